import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storeFault } from '../../ops/store/faults.ts'
import { diskFull } from '../../streams/disk-full.ts'

test('a full disk is the same fault, whether a file or PostgreSQL met it, and nothing else is', () => {
  const file = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  const table = Object.assign(new Error('could not extend file'), { code: '53100' })
  for (const fault of [diskFull(file), storeFault(table), diskFull(file, 'rows.parquet')])
    assert.deepEqual([fault?.code, fault?.retryable], ['disk.full', true])
  assert.equal(
    diskFull(file, 'rows.parquet')?.message,
    'rows.parquet: the disk is full: make room on it',
  )
  for (const other of [new Error('no'), { code: 'EACCES' }, null, undefined, 'full'])
    assert.equal(diskFull(other), undefined)
})
