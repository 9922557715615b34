import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, test } from 'node:test'
import { openRunJournal } from '../../../ops/store/training/training-runs.ts'
import { openStoreWork } from '../../../ops/store-work.ts'
import { order } from '../../support/models/training.ts'
import { btc } from '../../support/store/database.ts'
import { tapeWork } from '../../support/store/tape-work.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

// Trainings of one user take turns below the system's temporary folder: this one waits for nobody's.
const { TMPDIR = '/tmp' } = process.env
const turns = temporaryFolder()
after(() => rmSync(turns, { recursive: true }))
process.env.TMPDIR = turns
const { train } = await import('../../../ops/training/train.ts')
process.env.TMPDIR = TMPDIR

test('a run that a daemon has left queued is gone on with, unless something else is asked for', async (t) => {
  const { config, dataPath, to } = await tapeWork(t, 'tape')
  const work = await openStoreWork(dataPath, config)
  const lane = { coin: btc, family: 'linear' }
  const journal = openRunJournal(work.store.sql, work.store.names)
  const { id } = await journal.ask(order({ lane, marketAt: to }))
  await work.close()
  const asked = {
    ...{ config, dataPath, coin: btc, family: 'linear', heard: () => {} },
    ...{ rows: undefined, trials: undefined, seed: undefined, warmStart: undefined },
  }
  const busy = new RegExp(`run ${id} .* .*queued.*--cancel ${id}; without options .*goes on`)
  await assert.rejects(train({ ...asked, rows: 7 }), { code: 'training.busy', message: busy })
  const run = await train(asked)
  assert.deepEqual([run.run, run.endedAt === null], [id, false])
})
