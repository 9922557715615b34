import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CoinEngine } from '../../../actors/coin/coin-engine.ts'
import { FeatureRing } from '../../../actors/coin/feature-ring.ts'
import type { Candle } from '../../../streams/candles/candle.ts'
import { FeatureEngine } from '../../../streams/features/engine.ts'
import { featureSet } from '../../../streams/features/set.ts'
import { dayMs, minuteMs } from '../../../streams/time.ts'
import { madeCandles } from '../../support/candles.ts'

const set = featureSet(minuteMs)
const from = Date.UTC(2026, 0, 1, 20)

function live(candles: readonly Candle[], lag = 10): { ring: FeatureRing; engine: CoinEngine } {
  const ring = new FeatureRing(set.columns.length, 512, minuteMs)
  const engine = new CoinEngine(new FeatureEngine(minuteMs), ring, lag)
  for (const candle of candles) engine.close(candle, candle.openAt + minuteMs)
  return { ring, engine }
}

function rows(ring: FeatureRing, candles: readonly Candle[]): Float64Array[] {
  return candles.map(({ openAt }) => ring.at(openAt)?.values.slice() as Float64Array)
}

test('after a correction the rows are those of one pass over the candles as they are now', () => {
  const candles = madeCandles({ from, count: 400 })
  const { ring, engine } = live(candles)
  const corrected = candles.map((candle, i) =>
    i === 393
      ? { ...candle, close: candle.close * 1.01, state: 'corrected' as const, revision: 1 }
      : candle,
  )
  assert.ok(engine.correct(corrected[393] as Candle))
  const newest = candles.slice(-20)
  assert.deepEqual(rows(ring, newest), rows(live(corrected).ring, newest))
})

test('a correction from before the window is left to the store', () => {
  const candles = madeCandles({ from, count: 60 })
  const { engine } = live(candles)
  assert.equal(engine.correct(candles[20] as Candle), false)
})

test('the snapshot of a day is what a restart goes on from, bit for bit', () => {
  const candles = madeCandles({ from, count: 600 })
  const ring = new FeatureRing(set.columns.length, 512, minuteMs)
  const engine = new CoinEngine(new FeatureEngine(minuteMs), ring, 10)
  const snapshots = candles.flatMap((candle) => engine.close(candle, 0))
  const midnight = Date.UTC(2026, 0, 2)
  assert.deepEqual(
    snapshots.map(({ at }) => at),
    [midnight],
  )
  assert.equal(midnight % dayMs, 0)
  const restored = FeatureEngine.restore(snapshots[0]?.state as Uint8Array)
  const again = new FeatureRing(set.columns.length, 512, minuteMs)
  const second = new CoinEngine(restored, again, 10)
  const since = candles.filter(({ openAt }) => openAt >= midnight)
  for (const candle of since) second.close(candle, 0)
  assert.deepEqual(rows(again, since), rows(ring, since))
})
