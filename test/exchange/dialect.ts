/** What a stand-in must know of one exchange's language: its REST addresses and its socket's frames. */
import type { Deal, Market } from './market.ts'

export interface Answer {
  readonly status: number
  readonly body: unknown
}

export interface Dialect {
  /** Put behind the server's address to get `market.urls`. */
  readonly wsPath: string
  rest(path: string, query: URLSearchParams, markets: readonly Market[], now: number): Answer
  /** What a client is told when it connects. */
  greeting(): readonly string[]
  /** What it is told when nothing happens for a second. */
  heartbeat(): string | undefined
  hear(
    message: Readonly<Record<string, unknown>>,
    markets: readonly Market[],
  ): { readonly subscribed: readonly string[]; readonly replies: readonly string[] }
  frame(market: Market, deals: readonly Deal[], path: string): readonly string[]
}
