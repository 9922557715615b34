import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outputTo } from '../../../ops/telemetry/terminal.ts'

test('a terminal that says 0 columns, as one without a size does, is 80 wide', () => {
  const stream = { isTTY: true, columns: 0, write: () => true }
  const { columns } = outputTo(stream)
  assert.equal(columns(), 80)
  stream.columns = 132
  assert.equal(columns(), 132)
})
