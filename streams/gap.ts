/**
 * A stretch of a coin's market where data is known to be missing: `[from, to)` in event time. It travels down the
 * stream as an item of its own, is recorded, and is healed when a backfill has filled it.
 */
import type { Coin } from './coin.ts'
import type { Millis } from './time.ts'

export type GapCause = 'disconnected' | 'silent' | 'stopped' | 'sequence' | 'missing_history'

export interface Gap {
  readonly coin: Coin
  readonly from: Millis
  readonly to: Millis
  readonly cause: GapCause
}
