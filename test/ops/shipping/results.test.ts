import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const page = readFileSync(join(root, 'models/RESULTS.md'), 'utf8')
const source = readFileSync(join(root, 'ops/shipping/results.ts'), 'utf8')

test('the command that made the results goes through the door that any promised Node opens', () => {
  const [, command = ''] = /^```\n(node .+)\n```$/m.exec(page) ?? []
  const [, ...words] = command.split(' ')
  assert.deepEqual(words.slice(0, 2), ['ops/launch.mjs', '--node'])
  const bare = words.filter((it) => !it.includes('='))
  const { stderr } = spawnSync(process.execPath, bare, { cwd: root, encoding: 'utf8' })
  assert.match(stderr, /name at least one market/)
})

test('what the page says of its labels is what it would be made with, and leaves out no family', () => {
  const [labels = ''] = /^Labels: .+?traded\.$/ms.exec(page) ?? []
  assert.ok(source.includes(labels))
  for (const family of ['lightgbm', 'linear', 'tst', 'lstm', 'volatility'])
    assert.ok(labels.includes(family), family)
})
