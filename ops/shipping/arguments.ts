/** What the shipping scripts are told: a data directory, markets with their files, and names of families. */
import { parseArgs } from 'node:util'
import { type Coin, parseCoin } from '../../streams/coin.ts'

export interface ShippingArguments {
  readonly data: string
  readonly markets: readonly { readonly coin: Coin; readonly path: string }[]
  /** None means all. */
  readonly names: readonly string[]
}

export function readArguments(args: readonly string[]): ShippingArguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { data: { type: 'string', default: '.starling' } },
    allowPositionals: true,
  })
  const markets = positionals
    .filter((it) => it.includes('='))
    .map((it) => {
      const [name = '', path = ''] = it.split('=')
      const coin = parseCoin(name)
      if (coin === undefined || path === '') throw new Error(`${it}: expected COIN=FILE`)
      return { coin, path }
    })
  if (markets.length === 0) throw new Error('name at least one market: BTC/USD=candles.csv.gz')
  return { data: values.data, markets, names: positionals.filter((it) => !it.includes('=')) }
}
