import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { draftOf } from '../../../../ops/store/files/draft.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

test('a place that cannot be written to is named before anything is read', (t) => {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true }))
  const draft = draftOf(join(folder, 'out.csv'))
  assert.equal(draft, join(folder, 'out.csv.part'))
  assert.ok(existsSync(draft))
  const nowhere = join(folder, 'none', 'out.csv')
  const message = /^cannot write .*none\/out\.csv: ENOENT/
  assert.throws(() => draftOf(nowhere), { code: 'data.unwritten', message })
})
