/** What is heard of a lane while its journal is written: every swap's end, and every stage, in the order of its life. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { listen } from '../../../streams/channels.ts'
import { minuteMs } from '../../../streams/time.ts'
import type { LaneJournal } from '../../../supervisor/fleet/lane-journal.ts'
import { toldJournal } from '../../../supervisor/fleet/told-journal.ts'
import { btc } from '../../support/candles.ts'
import { MemoryJournal, passed } from './memory-journal.ts'

const lane = { coin: btc, family: 'linear' }

function stage(t: TestContext): { journal: LaneJournal; heard: string[] } {
  const heard: string[] = []
  const stops = [
    listen('swap.changed', ({ kind, toVersion, state }) =>
      heard.push(`${kind} ${toVersion} ${state}`),
    ),
    listen('swap.cut', ({ coin, family, fromVersion, toVersion }) =>
      heard.push(`cut ${coin} ${family} ${fromVersion} ${toVersion}`),
    ),
    listen('version.stage', ({ version, stage: at }) => heard.push(`${version} ${at}`)),
    listen('version.judged', ({ version, verdict, isRenewed }) =>
      heard.push(`${version} ${isRenewed ? 'judged again' : 'judged'} ${verdict}`),
    ),
  ]
  t.after(() => {
    for (const stop of stops) stop()
  })
  return { journal: toldJournal(new MemoryJournal(lane, 1).port()), heard }
}

const order = (journal: LaneJournal, version: number) =>
  journal.open({ to: { ...lane, version }, askedBy: 'operator', revision: 0 })

test('whoever is overtaken is told of, by the swap or the rollback that came; the same order again is not told again', async (t) => {
  const { journal, heard } = stage(t)
  const running = await order(journal, 2)
  await order(journal, 2)
  await journal.begin(running.id, minuteMs)
  await order(journal, 3)
  await order(journal, 4)
  await journal.goBack({ lane, kind: 'rollback', at: minuteMs, reason: 'a test', revision: 0 })
  assert.deepEqual(heard, [
    'swap 2 waiting',
    '2 announced',
    'swap 3 waiting',
    'swap 4 waiting',
    'swap 3 overtaken',
    'rollback 1 running',
    'swap 2 overtaken',
    'swap 4 overtaken',
  ])
})

test('a swap is told from its wish to its end: announced, judged, cut and done too', async (t) => {
  const { journal, heard } = stage(t)
  const { id, to } = await order(journal, 2)
  await journal.begin(id, minuteMs)
  await journal.judged(id, passed, minuteMs)
  await journal.write(id, to, 'shadowing', minuteMs)
  await journal.judged(id, passed, minuteMs)
  await journal.cut(id, 2 * minuteMs)
  await journal.end(id, 'done', null)
  assert.deepEqual(heard, [
    'swap 2 waiting',
    '2 announced',
    '2 judged passed',
    '2 shadowing',
    '2 judged again passed',
    'cut BTC/USDT linear 1 2',
    '2 serving',
    'swap 2 done',
  ])
})
