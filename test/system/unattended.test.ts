/**
 * The whole loop with nobody at it, on a machine that has Node and nothing else: the scheduler trains a new `linear` from
 * the tape's history, the gate judges it, and it is backfilled, shown in the shadow and swapped in, or refused with its
 * reasons. Where there is something to be learnt it takes over; where there is nothing it does not.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, symlinkSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  assertContinuity,
  house,
  type RunningDaemon,
  startDaemon,
} from '../support/daemon/daemon.ts'
import { wellAgain } from '../support/daemon/ledger-view.ts'
import { ended, type SwapBody, slotsOf } from '../support/daemon/versions.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'

const config = (signal: number): string => `
market: { source: tape, coins: [BTC/USDT], tape: { speed: 60, signal: ${signal}, seed: 11 } }
fleet: { families: { linear: {}, lightgbm: {} }, shadowCandles: 3 }
api: { port: 0 }
`

interface Run {
  readonly run: number
  readonly family: string
  readonly cause: string
  readonly state: string
  readonly version: number | null
  readonly message: string | null
  readonly verdict: { readonly reasons: readonly { code: string; passed: boolean }[] } | null
  readonly steps: readonly { readonly step: string; readonly state: string }[]
}

interface Training {
  readonly items: readonly Run[]
  readonly lanes: readonly { readonly family: string; readonly due: { readonly detail?: string } }[]
}

const trainMsMax = 120_000

/** A path on which everything is but Python. */
function bareWorld(): Readonly<Record<string, string>> {
  const bin = temporaryFolder()
  for (const folder of (process.env.PATH ?? '').split(delimiter).filter((it) => existsSync(it))) {
    for (const name of readdirSync(folder)) {
      const link = join(bin, name)
      if (!name.startsWith('python') && !existsSync(link)) symlinkSync(join(folder, name), link)
    }
  }
  return { PATH: bin }
}

async function alone(t: TestContext, signal: number): Promise<{ daemon: RunningDaemon; run: Run }> {
  const daemon = await startDaemon(t, house(t, config(signal)), 60_000, { env: bareWorld() })
  const run = await until(
    'the first training has ended',
    async () => {
      const { items } = await daemon.get<Training>('/api/v1/training')
      return items.find(({ state }) => !['queued', 'running'].includes(state))
    },
    trainMsMax,
  )
  assert.deepEqual([run.family, run.cause], ['linear', 'first'])
  return { daemon, run }
}

test('where there is something to be learnt, a version that nobody asked for takes over', async (t) => {
  const { daemon, run } = await alone(t, 0.8)
  assert.equal(run.state, 'passed', JSON.stringify(run.verdict ?? run.message))
  assert.deepEqual(
    run.steps.map(({ step, state }) => `${step} ${state}`),
    ['dataset', 'fit', 'export', 'verify', 'evaluate', 'judge', 'publish'].map(
      (it) => `${it} done`,
    ),
  )
  const swap = await until('its swap has begun', async () => {
    const { items } = await daemon.get<{ items: SwapBody[] }>('/api/v1/swaps')
    return items.find(({ to }) => to === run.version)
  })
  const done = await ended(daemon, swap.id)
  assert.deepEqual([done.state, done.missed, done.twice], ['done', 0, 0], JSON.stringify(done))
  const passed = done.journal.filter((it) => it.version === run.version).map((it) => it.transition)
  for (const stage of [
    'fetched',
    'verified',
    'warmed',
    'judged',
    'backfilled',
    'shadowing',
    'serving',
  ])
    assert.ok(passed.includes(stage), `${stage} is in its journal`)
  assert.equal((await slotsOf(daemon, 'BTC-USDT/linear')).v3, run.version)
  const { lanes } = await daemon.get<Training>('/api/v1/training')
  const waiting = lanes.find(({ family }) => family === 'lightgbm')
  assert.match(JSON.stringify(waiting), /Python/, 'what cannot be trained here says why')
  for (const line of [/is to be trained: it has only/, /: passed after/, /has moved from version/])
    await until(`the terminal tells ${line}`, () => line.test(daemon.output()))
  await wellAgain(daemon)
  await assertContinuity(daemon)
  await daemon.end('SIGTERM')
})

test('where there is nothing to be learnt, the version is refused, kept and explained', async (t) => {
  const { daemon, run } = await alone(t, 0)
  assert.equal(run.state, 'refused', JSON.stringify(run.verdict ?? run.message))
  const failed = run.verdict?.reasons.filter(({ passed }) => !passed).map(({ code }) => code)
  assert.ok(failed?.includes('no_skill'), JSON.stringify(failed))
  const model = await daemon.get<{ state: string; verdict: { verdict: string } }>(
    `/api/v1/models/BTC-USDT/linear/${run.version}`,
  )
  assert.deepEqual([model.state, model.verdict.verdict], ['rejected', 'refused'])
  assert.equal((await slotsOf(daemon, 'BTC-USDT/linear')).v3, null)
  await assertContinuity(daemon)
  await daemon.end('SIGTERM')
})
