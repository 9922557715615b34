import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertContinuity, house, startDaemon } from '../support/daemon/daemon.ts'
import { listen } from '../support/daemon/events.ts'
import { historyFetched, progress, wellAgain } from '../support/daemon/ledger-view.ts'
import { ended, order, publish, type SwapBody, slotsOf } from '../support/daemon/versions.ts'
import { testFolder, writeVersion } from '../support/models/artifacts.ts'
import { until } from '../support/until.ts'

const config = `
market: { source: tape, historyDays: 3, tape: { speed: 120 } }
fleet: { families: { linear: {}, volatility: { horizon: 60m } }, shadowCandles: 2 }
training: { where: off }
api: { port: 0 }
`
const lane = 'BTC-USDT/linear'

test('a lane moves to a new version and back while the market runs, and no candle is missing or answered twice', async (t) => {
  const daemon = await startDaemon(t, house(t, config))
  await progress(daemon, 6)
  const folder = testFolder(t)
  await writeVersion(folder, 1)
  const two = await publish(daemon, folder, 'coin=BTC-USDT')
  assert.deepEqual(await publish(daemon, folder, 'coin=BTC-USDT'), two)
  const { told } = await listen(t, daemon)
  const story = (): readonly string[] =>
    told
      .filter(({ data }) => data.coin === 'BTC/USDT' && data.family === 'linear' && 'state' in data)
      .filter(({ type }) => type === 'swap' || type === 'model')
      .map(({ type, data }) =>
        type === 'swap'
          ? `${data.kind ?? 'cut'} ${data.from} ${data.to} ${data.state}`
          : `${data.version} ${data.state}`,
      )
  const { swap: id } = await order(daemon, lane, two.version)
  assert.equal((await order(daemon, lane, two.version)).swap, id, 'ordered twice it is one swap')
  const swap = await ended(daemon, id)
  assert.deepEqual([swap.state, swap.missed, swap.twice], ['done', 0, 0], JSON.stringify(swap))
  assert.deepEqual(
    swap.journal.filter(({ version }) => version === two.version).map((it) => it.transition),
    [
      'announced',
      'fetched',
      'verified',
      'loaded',
      'warmed',
      'judged',
      'backfilled',
      'shadowing',
      'serving',
    ],
  )
  assert.deepEqual(await slotsOf(daemon, lane), { v1: 1, v2: 1, v3: two.version })
  type Page = { items: { version: number; openAt: string; mode: string }[] }
  const cutAt = Date.parse(swap.cutAt as string)
  const v3 = await daemon.get<Page>(`/api/v1/predictions?coin=BTC-USDT&family=linear&slot=v3`)
  assert.equal(Date.parse(v3.items.at(-1)?.openAt as string), cutAt)
  assert.deepEqual([...new Set(v3.items.map((it) => `${it.version} ${it.mode}`))], ['2 live'])
  const back = await ended(daemon, (await order(daemon, lane)).swap)
  assert.deepEqual([back.kind, back.state, back.missed, back.twice], ['rollback', 'done', 0, 0])
  assert.deepEqual(await slotsOf(daemon, lane), { v1: 1, v2: null, v3: null })
  await until('the whole story is told', () => story().at(-1) === 'rollback 2 1 done')
  assert.deepEqual(story(), [
    'swap 1 2 waiting',
    ...swap.journal.slice(0, -1).map(({ version, transition }) => `${version} ${transition}`),
    'cut 1 2 running',
    '2 serving',
    'swap 1 2 done',
    'rollback 2 1 running',
    '2 draining',
    '1 serving',
    '2 archived',
    'rollback 2 1 done',
  ])
  await wellAgain(daemon)
  await assertContinuity(daemon)
  assert.doesNotMatch(daemon.output(), /"event":"actor.crashed"/)
  await daemon.end('SIGTERM')
})

test('a lane that has its version goes live while another is still in training', async (t) => {
  const daemon = await startDaemon(t, house(t, config.replace('historyDays: 3', 'historyDays: 12')))
  await historyFetched(daemon, 12)
  const folder = testFolder(t)
  await writeVersion(folder, 1)
  const two = await publish(daemon, folder, 'coin=BTC-USDT')
  type Run = { run: number; state: string; steps: { step: string; state: string }[] }
  const wish = { coin: 'ETH/USDT', family: 'linear', trials: 5_000 }
  const { run } = (await (await daemon.post('/api/v1/training', wish)).json()) as Run
  const training = () => daemon.get<Run>(`/api/v1/training/${run}`)
  const isAtWork = async (): Promise<boolean> =>
    (await training()).steps.some(({ step, state }) => step === 'fit' && state === 'running')
  await until('its trainer is at work', isAtWork, 60_000)
  const swap = await ended(daemon, (await order(daemon, lane, two.version)).swap, 100_000)
  assert.deepEqual([swap.state, swap.missed, swap.twice], ['done', 0, 0], JSON.stringify(swap))
  assert.equal((await training()).state, 'running')
  await daemon.post(`/api/v1/training/${run}/cancel`)
  await assertContinuity(daemon)
  await daemon.end('SIGTERM')
})

const coins = ['ADA', 'AVAX', 'BNB', 'BTC', 'DOGE', 'DOT', 'ETH', 'LINK', 'SOL', 'XRP']
/** Eight seconds in the shadow, so that nobody has arrived when the half is called back, which takes one or two. */
const many = `
market: { source: tape, coins: [${coins.map((it) => `${it}/USDT`)}], historyDays: 1, tape: { speed: 120 } }
fleet: { families: { linear: {} }, shadowCandles: 16 }
training: { where: off }
api: { port: 0 }
`

test('twenty lanes swap at once, half of them are called back in the middle, and no candle is missed anywhere', async (t) => {
  const daemon = await startDaemon(t, house(t, many))
  const lanes = coins.flatMap((coin) => [`${coin}-USDT/linear`, `${coin}-USDT/mine`])
  for (const [mark, family] of ['linear', 'mine', 'linear', 'mine'].entries()) {
    const folder = testFolder(t)
    await writeVersion(folder, mark, { family })
    const { also } = await publish(daemon, folder)
    assert.equal(also.length, coins.length - 1)
  }
  const all = async (version: (lane: string) => number): Promise<readonly SwapBody[]> => {
    const asked = await Promise.all(lanes.map((lane) => order(daemon, lane, version(lane))))
    return Promise.all(asked.map(({ swap }) => ended(daemon, swap)))
  }
  const first = await all((lane) => (lane.endsWith('mine') ? 1 : 2))
  const asked = await Promise.all(
    lanes.map((lane) => order(daemon, lane, lane.endsWith('mine') ? 2 : 3)),
  )
  const back = lanes.filter((lane) => lane.endsWith('linear'))
  const calledBack = await Promise.all(back.map((lane) => order(daemon, lane)))
  const swaps = await Promise.all([...asked, ...calledBack].map(({ swap }) => ended(daemon, swap)))
  for (const swap of [...first, ...swaps]) {
    assert.ok(['done', 'overtaken'].includes(swap.state), JSON.stringify(swap))
    assert.deepEqual([swap.missed ?? 0, swap.twice ?? 0], [0, 0], JSON.stringify(swap))
  }
  for (const lane of lanes)
    assert.deepEqual(
      await slotsOf(daemon, lane),
      lane.endsWith('mine') ? { v1: 1, v2: 1, v3: 2 } : { v1: 1, v2: null, v3: null },
      lane,
    )
  await wellAgain(daemon)
  await assertContinuity(daemon)
  await daemon.end('SIGTERM')
})
