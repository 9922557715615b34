/** Training's labels and the ledger's are the same rule in two languages: row by row, on candles with everything in them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPrices } from '../../../../models/dataset/candles.ts'
import { labelled } from '../../../../models/label.ts'
import type { Label } from '../../../../models/manifest.ts'
import type { Candle } from '../../../../streams/candles/candle.ts'
import { minuteMs } from '../../../../streams/time.ts'
import { btc, madeCandles } from '../../../support/candles.ts'
import { entries, manifest, noon, prediction } from '../../../support/store/database.ts'
import { scoredLedger } from '../../../support/store/scored-ledger.ts'

const count = 400
const horizonCandles = 15
const candles = madeCandles({
  from: noon,
  count,
  seed: 11,
  states: {
    60: 'empty',
    61: 'empty',
    150: 'missing',
    151: 'missing',
    260: 'empty',
    300: 'corrected',
  },
})

/** One candle was never stored, and one is corrected when most outcomes are there already. */
const absent = 200
const changed = 100
const before = candles.filter((_, i) => i !== absent)
const after = before.map((it, i) =>
  i === changed
    ? {
        ...it,
        close: it.close * 1.01,
        high: it.high * 1.02,
        revision: 1,
        state: 'corrected' as const,
      }
    : it,
)

const labels: readonly Label[] = [
  { kind: 'threshold', up: 0.002, down: -0.002 },
  { kind: 'scaled_threshold', up: 0.6, down: -0.8, lookback: 30 },
  { kind: 'triple_barrier', up: 0.003, down: -0.003, timeout: 'hold' },
  { kind: 'triple_barrier', up: 0.004, down: -0.004, timeout: 'sign' },
  { kind: 'triple_barrier', up: 0.7, down: -0.5, lookback: 45, timeout: 'hold' },
  { kind: 'return', up: 0.002, down: -0.002 },
  { kind: 'volatility' },
]

for (const label of labels) {
  const words = JSON.stringify(label)
  test(`the ledger's outcomes are training's labels: ${words}`, async () => {
    const task = label.kind === 'return' || label.kind === 'volatility' ? 'regress' : 'classify'
    const { store, who, write, resolve } = await scoredLedger(
      0,
      manifest({ horizonCandles, label, task }),
    )
    await write(...before)
    const said = Array.from({ length: count }, (_, i) => prediction(who, i))
    await store.write.commit(entries(...said), () => noon + count * minuteMs)
    await resolve()
    await write(after[changed] as Candle)
    await resolve()
    const found = await store.sql<
      { open_at: number; label: string | null; actual: number; naive: number; change: number }[]
    >`
      select open_at, label, actual, naive, return as change from outcome order by open_at`
    const resolved = new Map(found.map((it) => [it.open_at, it]))

    const range = { from: noon, to: noon + count * minuteMs }
    const prices = await readPrices(
      btc,
      minuteMs,
      range,
      (async function* () {
        yield after
      })(),
    )
    const { target, change, naive } = labelled(label, horizonCandles, prices)
    let known = 0
    for (let i = 0; i < count; i++) {
      const row = resolved.get(noon + i * minuteMs)
      const [wanted, past] = [target[i] as number, naive[i] as number]
      if (Number.isNaN(wanted) || Number.isNaN(past)) {
        assert.equal(row, undefined, `candle ${i} is not known to training, so not to the ledger`)
        continue
      }
      known++
      assert.ok(row, `candle ${i} has an outcome`)
      assert.ok(Math.abs(row.change - (change[i] as number)) < 1e-12)
      if (task === 'classify')
        assert.equal(row.label, ['sell', 'hold', 'buy'][wanted], `candle ${i}`)
      else assert.ok(Math.abs(row.actual - wanted) < 1e-12, `candle ${i}`)
      assert.ok(Math.abs(row.naive - past) < 1e-12)
    }
    assert.ok(known > 200)
  })
}
