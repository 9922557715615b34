import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { FeatureHistory } from '../../../actors/coin/feature-history.ts'
import type { InferenceCommand } from '../../../actors/inference/inference.ts'
import type { LedgerEntry } from '../../../actors/ledger.ts'
import type { SinkCommand } from '../../../actors/sink.ts'
import { backfill } from '../../../actors/version/backfill.ts'
import { openArtifact } from '../../../models/artifact.ts'
import { featureSet } from '../../../streams/features/set.ts'
import { dayMs, type Millis, minuteMs, wallClock } from '../../../streams/time.ts'
import { MemoryLedger } from '../../support/actors/memory-ledger.ts'
import { btc, madeCandles } from '../../support/candles.ts'

const shipped = fileURLToPath(new URL('../../../models/lightgbm/v1', import.meta.url))
const from = Date.UTC(2026, 5, 1)
const set = featureSet(minuteMs)
const version = { coin: btc, family: 'lightgbm', version: 1 }

type Infer = Extract<InferenceCommand, { type: 'infer' }>

async function run(
  range: { from: Millis; to: Millis },
  manners: 'answers' | 'busy at first' | 'refuses' | 'nan' | 'busy to the end' | 'sink gone',
) {
  const artifact = await openArtifact(shipped)
  const ledger = new MemoryLedger()
  await ledger.writeHistory(madeCandles({ from, count: 4 * 1_440 }))
  const asked: Infer[] = []
  const entries: LedgerEntry[] = []
  const ended = new AbortController()
  let isRefused = manners === 'busy at first' || manners === 'refuses'
  const report = await backfill(
    {
      source: 'tape',
      set,
      features: new FeatureHistory({
        reader: ledger,
        set,
        dueAt: ({ openAt }) => openAt + minuteMs,
      }),
      clock: wallClock,
      giveWay: async () => undefined,
      underWayMax: 16,
      identity: () => ({ path: 'backfill', epoch: 1 }),
      pool: {
        path: 'pool',
        tell: (command) => {
          const question = command as Infer
          asked.push(question)
          const { id, replyTo, version } = question
          if (manners === 'busy to the end') ended.abort()
          if (isRefused || ended.signal.aborted) {
            isRefused = false
            const retryable = manners !== 'refuses'
            const about = { code: 'inference.stopped', reason: 'not now' } as const
            replyTo.tell({ type: 'inferFailed', id, version, retryable, ...about })
            return true
          }
          const outputs = new Float32Array(question.rows * 3).fill(1 / 3)
          if (manners === 'nan') outputs[15] = Number.NaN
          replyTo.tell({
            type: 'inferred',
            id,
            version,
            outputs,
            inferMs: 1,
            inferRows: question.rows,
          })
          return true
        },
      },
      sink: {
        path: 'sink',
        tell: ({ entries: more, replyTo }: SinkCommand) => {
          if (manners === 'sink gone') {
            ended.abort()
            return false
          }
          entries.push(...more)
          replyTo?.({ predictions: [], stale: 0 })
          return true
        },
      },
    },
    version,
    artifact,
    range,
    undefined,
    ended.signal,
  )
  return { report, asked, entries }
}

test('every candle that can be answered is, once, as a backfill; the rest are counted', async () => {
  const range = { from, to: from + 3 * dayMs }
  const { report, entries, asked } = await run(range, 'answers')
  assert.equal(report.rows + report.holes, 3 * 1_440)
  assert.ok(report.holes >= 60 && report.rows > 1_440, 'warm-up at the beginning')
  assert.equal(entries.length, report.rows)
  const openAts = entries.map((it) =>
    it.type === 'prediction' ? it.prediction.openAt : Number.NaN,
  )
  assert.equal(new Set(openAts).size, report.rows)
  assert.ok(openAts.every((openAt) => openAt >= range.from && openAt < range.to))
  assert.ok(entries.every((it) => it.type === 'prediction' && it.prediction.asked === 'backfill'))
  assert.ok(asked.every(({ urgency, rows }) => urgency === 'backfill' && rows <= 64))
})

test('a pool that is busy costs a question, a model that cannot answer ends it', async () => {
  const range = { from: from + 3 * dayMs, to: from + 3 * dayMs + 64 * minuteMs }
  const { report } = await run(range, 'busy at first')
  assert.equal(report.rows, 64)
  await assert.rejects(run(range, 'refuses'), { code: 'inference.stopped' })
  await assert.rejects(run(range, 'nan'), { code: 'inference.not_finite' })
})

test('one that is to stop asks no more, of a pool that is busy or a sink that has gone', async () => {
  const range = { from: from + 3 * dayMs, to: from + 3 * dayMs + 64 * minuteMs }
  for (const manners of ['busy to the end', 'sink gone'] as const)
    await assert.rejects(run(range, manners), { code: 'backfill.stopped', retryable: true })
})
