import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { crowd, crowdSize } from '../../support/crowd.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const module = join(import.meta.dirname, '../../../ops/store/folder-lock.ts')

test('of many that find the lock of a dead one at once, one gets it', async (t) => {
  const ask = await crowd(t, module, "module.tryLock(folder) ? 'held' : 'refused'")
  const stale = JSON.stringify({ pid: process.pid, startedAt: 'long ago', address: null })
  for (let round = 0; round < 100; round++) {
    const home = temporaryFolder()
    t.after(() => rmSync(home, { recursive: true, force: true }))
    writeFileSync(join(home, 'lock'), stale)
    const said = await ask(home)
    assert.deepEqual(
      said.toSorted(),
      ['held', ...Array(crowdSize - 1).fill('refused')],
      `round ${round}`,
    )
  }
})
