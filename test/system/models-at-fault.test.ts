import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listen } from '../../streams/channels.ts'
import type { Mood } from '../support/actors/moody-child.ts'
import type { DrivenDaemon } from '../support/daemon/daemon.ts'
import { assertKept, seen } from '../support/daemon/ledger-view.ts'
import { moodyDaemon } from '../support/daemon/moody-daemon.ts'
import { median, quantile } from '../support/quantile.ts'
import { until } from '../support/until.ts'

/** What hangs is given a second; whatever else is slow here, the machine may be. */
const config = (deadlineMs: number): string => `
market: { source: tape, coins: [BTC/USDT, ETH/USDT], historyDays: 3, tape: { speed: 240 } }
fleet: { families: { linear: {}, lightgbm: {}, volatility: { horizon: 60m } } }
inference: { children: 2, deadlineMs: ${deadlineMs}, memoryLimitMb: 512 }
api: { port: 0 }
`
const bad = 'volatility'
const coins = ['BTC-USDT', 'ETH-USDT']
/** Predictions of the others in one turn: two coins, two families, ten candles. */
const turnRows = 40
/** So many at least; a machine that is restless by itself needs more to show that it is not the model. */
const [pairsMin, pairsMax] = [5, 15]
/** For all of them, on a machine where a child takes seconds to start. */
const timeout = 1_200_000

interface Node {
  readonly path: string
  readonly state: string
  readonly children: readonly Node[]
}

/** Where somebody is in quarantine. */
function setAside({ path, state, children }: Node): readonly string[] {
  const below = children.flatMap(setAside)
  return state === 'quarantined' ? [path, ...below] : below
}

/** Every lane of the family goes on. */
async function release({ get, post }: DrivenDaemon): Promise<void> {
  const { items } = await get<{ items: { coin: string; family: string }[] }>('/api/v1/lanes')
  for (const { coin, family } of items.filter((it) => it.family === bad))
    await post(`/api/v1/lanes/${coin.replace('/', '-')}/${family}/release`)
}

/** Median wait of the next predictions of the other families. */
function othersWait(): Promise<number> {
  return new Promise((resolve) => {
    const waits: number[] = []
    const stop = listen('prediction.committed', ({ family, waitMs, mode }) => {
      if (family === bad || mode !== 'live') return
      waits.push(waitMs)
      if (waits.length < turnRows) return
      stop()
      resolve(median(waits))
    })
  })
}

const cases: readonly [Mood, string][] = [
  ['hang', 'a model that hangs'],
  ['nan', 'a model that answers NaN'],
  ['grow', 'a model that eats memory'],
  ['segfault', 'a model that takes its child with it'],
]

for (const [mood, what] of cases) {
  test(`${what} is set aside, the others wait no longer for it, and its candles are answered when it is good again`, {
    timeout,
  }, async (t) => {
    const {
      daemon,
      mood: be,
      well,
    } = await moodyDaemon(t, config(mood === 'hang' ? 1_000 : 10_000))
    const { get } = daemon
    const calm: number[] = []
    const beside: number[] = []
    const aside = async () => setAside(await get<Node>('/api/v1/tree'))
    // On a machine that is restless by itself, what lies within the calm turns' own spread says nothing.
    const waitsNoLonger = (): boolean =>
      median(beside) <= Math.max(median(calm) * 1.1, median(calm) + 5, quantile(calm, 0.75))
    while (beside.length < pairsMin || (beside.length < pairsMax && !waitsNoLonger())) {
      const before = await seen(daemon)
      calm.push(await othersWait())
      be({ family: bad }, mood)
      beside.push(await othersWait())
      // Of both coins: one that is set aside after the release would stay so.
      await until(
        'it is in quarantine',
        async () => {
          const paths = await aside()
          return coins.every((coin) => paths.some((path) => path.includes(coin)))
        },
        60_000,
      )
      well()
      await release(daemon)
      await until('it is back', async () => (await aside()).length === 0, 30_000)
      assertKept(before, await seen(daemon))
    }
    t.diagnostic(
      `others' median wait, calm: ${calm.map(Math.round)} beside: ${beside.map(Math.round)} ms`,
    )
    assert.ok(waitsNoLonger(), 'the others wait longer')
    type Audit = {
      unexplained: number
      duplicates: number
      lanes: { holes: number; byReason: Record<string, number> }[]
    }
    await until(
      'its holes have healed',
      async () =>
        (await get<Audit>('/api/v1/continuity')).lanes.every(
          ({ byReason }) => !byReason.quarantined,
        ),
      60_000,
    )
    const { unexplained, duplicates } = await get<Audit>('/api/v1/continuity')
    assert.deepEqual({ unexplained, duplicates }, { unexplained: 0, duplicates: 0 })
  })
}
