/**
 * What is asked while nobody runs is carried out by the next start: published, ordered on, ordered back, from the command
 * line. And history that is there only then is answered by versions that had answered theirs before.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { seededStartAt } from '../../streams/feeds/tape/seeded.ts'
import { dayMs, hourMs, iso } from '../../streams/time.ts'
import {
  assertContinuity,
  house,
  type RunningDaemon,
  starling,
  startDaemon,
} from '../support/daemon/daemon.ts'
import { progress, wellAgain } from '../support/daemon/ledger-view.ts'
import { ended, order, publish, type SwapBody, slotsOf } from '../support/daemon/versions.ts'
import { baseManifest, testFolder, writeVersion } from '../support/models/artifacts.ts'
import { until } from '../support/until.ts'

const config = (days: number): string => `
market: { source: tape, coins: [BTC/USDT], historyDays: ${days}, tape: { speed: 120 } }
fleet: { families: { linear: {} }, shadowCandles: 1 }
training: { where: off }
api: { port: 0 }
`
const lane = 'BTC-USDT/linear'
/** What version 2 was trained on: an hour of the history that is not there when it is backfilled. */
const trainedFrom = seededStartAt - 3 * dayMs
const trained = {
  ...(baseManifest().trained as object),
  markets: [
    {
      source: 'tape',
      coin: 'BTC/USDT',
      from: iso(trainedFrom),
      to: iso(trainedFrom + hourMs),
    },
  ],
}

test('published and ordered while nobody runs, carried out by the next start; and what history comes then is answered', async (t) => {
  const at = house(t, config(2))
  const ask = (...words: readonly string[]) => {
    const { code, out, err } = starling(
      ...[...words, '--json', '--data', at.data, '--config', at.config],
    )
    return { code, err, body: code === 0 ? JSON.parse(out) : undefined }
  }
  const newest = async (daemon: RunningDaemon): Promise<SwapBody> =>
    (await daemon.get<{ items: SwapBody[] }>('/api/v1/swaps?limit=1')).items[0] as SwapBody

  let daemon = await startDaemon(t, at)
  await progress(daemon, 3)
  const folders = [testFolder(t), testFolder(t)] as const
  await writeVersion(folders[0], 1, { trained })
  await writeVersion(folders[1], 2)
  await publish(daemon, folders[0])
  await ended(daemon, (await order(daemon, lane, 2)).swap)
  const seen = await rowsOf(daemon, '&mode=backfill')
  assert.ok(seen.length > 0 && seen.every((it) => it > trainedFrom + dayMs), 'two days of history')
  await daemon.end('SIGTERM')

  assert.deepEqual(ask('publish', folders[1]).body.version, 3)
  const asked = ask('swap', 'BTC/USDT', 'linear', '3')
  assert.equal(asked.body.state, 'waiting')
  assert.match(asked.err, /the next start goes on with it/)
  assert.equal(ask('swap', 'BTC/USDT', 'linear', '3', '--wait').code, 3)
  assert.equal(ask('models', 'refresh').code, 3)
  assert.equal(ask('models').body.items.length, 3)
  assert.deepEqual(
    ask('swaps').body.items.map((it: SwapBody) => [it.to, it.state]),
    [
      [3, 'waiting'],
      [2, 'done'],
    ],
  )

  writeFileSync(at.config, config(4))
  daemon = await startDaemon(t, at)
  const done = await ended(daemon, asked.body.swap)
  assert.deepEqual([done.state, done.missed, done.twice], ['done', 0, 0], JSON.stringify(done))
  assert.deepEqual(await slotsOf(daemon, lane), { v1: 1, v2: 2, v3: 3 })
  const behind = await until(
    'version 2 has answered what came in behind it',
    async () => {
      await daemon.post('/api/v1/registry/refresh')
      const inSample = await rowsOf(daemon, '&mode=in_sample')
      const before = await rowsOf(daemon, `&mode=backfill&to=${iso(trainedFrom)}`)
      return inSample.length >= 60 && before.length > 100 ? { inSample, before } : undefined
    },
    60_000,
  )
  assert.ok(
    behind.inSample.every((it) => it < trainedFrom + hourMs + 16 * 60_000),
    'and its purge',
  )
  await daemon.end('SIGTERM')

  const back = ask('rollback', 'BTC/USDT', 'linear')
  assert.deepEqual([back.code, back.body?.from, back.body?.to], [0, 3, 2], back.err)
  daemon = await startDaemon(t, at)
  const undone = await until('the rollback is over', async () => {
    const swap = await newest(daemon)
    return swap.kind === 'rollback' && swap.state === 'done' ? swap : undefined
  })
  assert.deepEqual([undone.missed, undone.twice], [0, 0])
  assert.deepEqual(await slotsOf(daemon, lane), { v1: 1, v2: 1, v3: 2 })
  await wellAgain(daemon)
  await assertContinuity(daemon)
  await daemon.end('SIGTERM')
})

/** Openings that version 2 has answered. */
async function rowsOf(daemon: RunningDaemon, query: string): Promise<readonly number[]> {
  type Page = { items: { openAt: string }[] }
  const { items } = await daemon.get<Page>(
    `/api/v1/predictions?coin=BTC-USDT&family=linear&version=2&limit=10000${query}`,
  )
  return items.map(({ openAt }) => Date.parse(openAt))
}
