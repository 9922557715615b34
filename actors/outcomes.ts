/**
 * Resolves outcomes: when a prediction's horizon has passed and the candle at its end is in the ledger, what the market
 * did is written beside it, once. It works through whatever is due, so that a downtime makes no difference but delay.
 */
import { map, type Observable } from 'rxjs'
import type { Coin } from '../streams/coin.ts'
import type { Millis } from '../streams/time.ts'
import type { ActorSpec } from './protocol.ts'

export interface OutcomesPorts {
  /** Each is looked at once at the start: something may have fallen due while nobody was there. */
  readonly coins: () => readonly Coin[]
  /** Coins that have candles the resolver has not looked at. */
  readonly committed$: Observable<Coin>
  /** Resolves what is due and gives the number of new outcomes. */
  readonly resolve: (coin: Coin) => Promise<number>
}

export type OutcomesMessage =
  | { readonly type: 'committed'; readonly coin: Coin }
  | { readonly type: 'resolve' }

interface OutcomesState {
  readonly due: Set<Coin>
  scheduled: boolean
}

/** Nobody waits for an outcome to the second; candles that close together are resolved together. */
const gatherMs: Millis = 1_000

export function outcomes(ports: OutcomesPorts): ActorSpec<OutcomesState, OutcomesMessage> {
  return {
    kind: 'outcomes',
    mailboxMax: 2_000,
    deadlineMs: 120_000,
    start: (self) => {
      self.follow(ports.committed$.pipe(map((coin) => ({ type: 'committed', coin }) as const)))
      self.after(gatherMs, { type: 'resolve' })
      return { due: new Set(ports.coins()), scheduled: true }
    },
    receive: async (state, message, self) => {
      switch (message.type) {
        case 'committed':
          state.due.add(message.coin)
          if (!state.scheduled) self.after(gatherMs, { type: 'resolve' })
          state.scheduled = true
          return state
        case 'resolve':
          state.scheduled = false
          for (const coin of [...state.due]) {
            state.due.delete(coin)
            await ports.resolve(coin)
          }
          return state
      }
    },
  }
}
