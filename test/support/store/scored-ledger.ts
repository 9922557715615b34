/** For tests of outcomes and scores: a store with one version in a slot, whose answers are held against the market later. */
import type { Manifest } from '../../../models/manifest.ts'
import type { Prediction } from '../../../models/prediction.ts'
import type { Version } from '../../../models/version.ts'
import { resolveOutcomes } from '../../../ops/store/scores/outcomes.ts'
import type { Candle } from '../../../streams/candles/candle.ts'
import { type Millis, minuteMs } from '../../../streams/time.ts'
import { btc, entries, manifest, noon, openTestStore, type TestStore, version } from './database.ts'

export interface ScoredLedger {
  readonly store: TestStore
  readonly who: Version
  /** What is there already is written anew, as the market's own corrections are. */
  readonly write: (...candles: readonly Candle[]) => Promise<unknown>
  /** While the candle at 0 is the newest to have closed. */
  readonly say: (...predictions: readonly Prediction[]) => Promise<unknown>
  /** How many outcomes are new or have changed. */
  readonly resolve: () => Promise<number>
}

/** Candles between a prediction and its outcome. */
export const horizon = 2
/** A hundredth up is `buy`, a hundredth down is `sell`. */
export const twoAhead = manifest({
  horizonCandles: horizon,
  label: { kind: 'threshold', up: 0.01, down: -0.01 },
})

export const at = (i: number): Millis => noon + i * minuteMs

/** `cost` is what one trade costs, as a share of its value. */
export async function scoredLedger(cost: number, plan: Manifest = twoAhead): Promise<ScoredLedger> {
  const store = await openTestStore()
  return {
    store,
    who: await version(store, { slot: 'v1', manifest: plan }),
    write: (...candles) =>
      store.write.commit(
        candles.map((candle) => ({ type: 'candle', candle })),
        () => at(0),
      ),
    say: (...predictions) => store.write.commit(entries(...predictions), () => at(1)),
    resolve: () => resolveOutcomes(store, btc, cost),
  }
}
