/** What is used of a ccxt exchange instance, and how its errors become ours. Types only: ccxt itself is loaded in `ccxt.ts`. */
import { Fault } from '../../../fault.ts'
import type { CcxtMarket, CcxtTrade } from './quirks.ts'
import type { Limit } from './throttle.ts'

export interface CcxtExchange extends Limit {
  readonly id: string
  readonly has: Readonly<Record<string, unknown>>
  readonly urls: { api: unknown }
  timeout: number
  readonly markets: Readonly<Record<string, CcxtMarket | undefined>> | undefined
  /** Caches of the last trades by symbol, filled by the socket's frames. */
  trades: Record<string, unknown>
  readonly clients: Readonly<Record<string, CcxtClient>>
  /** The socket to an address, made where there is none. */
  client: (url: string) => CcxtClient
  readonly fetchDispatcher?: { destroy(): Promise<void> }
  /** Every question waits for it. */
  throttle: (cost?: number) => Promise<unknown>
  log: (...words: unknown[]) => void
  handleMessage: (client: unknown, message: unknown) => void
  handleErrors: (code: number, reason: string, ...more: unknown[]) => unknown
  onConnected: (client: unknown, message?: unknown) => void
  onError: (client: unknown, error: unknown) => void
  onClose: (client: unknown, error: unknown) => void
  loadMarkets(reload?: boolean): Promise<unknown>
  setMarketsFromExchange(other: CcxtExchange): unknown
  fetchTime(): Promise<number>
  fetchTrades(
    symbol: string,
    since: number | undefined,
    limit: number | undefined,
    params: unknown,
  ): Promise<CcxtTrade[]>
  fetchOHLCV(symbol: string, timeframe: string, since: number): Promise<number[][]>
  watchTrades(
    symbol: string,
    since: undefined,
    limit: undefined,
    params: unknown,
  ): Promise<CcxtTrade[]>
  watchTradesForSymbols(
    symbols: readonly string[],
    since: undefined,
    limit: undefined,
    params: unknown,
  ): Promise<CcxtTrade[]>
  loadHttpProxyAgent(): Promise<unknown>
  close(): Promise<unknown>
}

/** One socket. */
export interface CcxtClient {
  readonly connection?: { terminate?(): void }
  send: (message: unknown) => Promise<unknown>
}

type ErrorClass = new (...words: never[]) => Error

export interface CcxtErrors {
  /** The exchange was reached and said no. */
  readonly ExchangeError: ErrorClass
  readonly BadSymbol: ErrorClass
  readonly NotSupported: ErrorClass
  readonly BadRequest: ErrorClass
  readonly AuthenticationError: ErrorClass
}

/**
 * Only what is certain to be refused again is final. Everything else that ccxt throws, its own stumbling over a garbled
 * answer included, may go well the next time.
 */
export function faultOf(error: unknown, errors: CcxtErrors): Fault {
  if (error instanceof Fault) return error
  const message = error instanceof Error ? error.message : String(error)
  const brief = message.slice(0, 300)
  if (error instanceof errors.BadSymbol) return new Fault('feed.no_market', brief, { cause: error })
  const final =
    error instanceof errors.NotSupported ||
    error instanceof errors.BadRequest ||
    error instanceof errors.AuthenticationError
  return new Fault(final ? 'feed.refused' : 'feed.unavailable', brief, {
    retryable: !final,
    cause: error,
  })
}
