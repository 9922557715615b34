import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'

test('the real entry prints data to stdout and ends with its code', async () => {
  const run = promisify(execFile)
  const { stdout } = await run(process.execPath, ['ops/cli/main.ts', 'config', '--json'])
  assert.equal(JSON.parse(stdout).values.market.interval, '1m')
  await assert.rejects(run(process.execPath, ['ops/cli/main.ts', 'nonsense']), {
    code: 2,
    stdout: '',
  })
})
