/** A coin is a market symbol in unified form, `BTC/USDT`; in paths and file names it is written `BTC-USDT`. */

export type Coin = string & { readonly __coin: never }

const unified = /^[A-Z0-9.]{1,20}\/[A-Z0-9.]{1,20}(:[A-Z0-9.-]{1,30})?$/

export function parseCoin(text: string): Coin | undefined {
  return unified.test(text) ? (text as Coin) : undefined
}

export function coinToPath(coin: Coin): string {
  return coin.replace('/', '-')
}

/** `BTC-USDT:USDT` → `BTC/USDT:USDT`; the unified form is accepted too. */
export function coinFromPath(text: string): Coin | undefined {
  return parseCoin(text.includes('/') ? text : text.replace('-', '/'))
}
