import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { familiesFolder } from '../../../models/family.ts'
import { choosePython, findPython, pythonFor } from '../../../ops/training/python.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const cases: readonly [string, Readonly<Record<string, string>>, string, RegExp][] = [
  ['none', {}, 'missing', /install Python 3\.10 or newer/],
  ['an old one', { python3: 'Python 3.9.18' }, 'too_old', /Python 3\.9\.18 is too old/],
  ['one of the last century', { python: 'Python 2.7.18' }, 'too_old', /2\.7/],
  ['a new one', { python3: 'Python 3.10.0' }, 'found', /^python3 3\.10\.0$/],
  [
    'a new one behind an old',
    { python3: 'Python 3.8.1', python: 'Python 3.12.4' },
    'found',
    /3\.12/,
  ],
  ['something else of that name', { python3: 'Welcome!' }, 'missing', /install/],
]
for (const [what, programs, type, said] of cases) {
  test(`${what}: ${type}`, () => {
    const found = choosePython((command) => programs[command])
    assert.equal(found.type, type)
    assert.match(found.type === 'found' ? `${found.command} ${found.version}` : found.mend, said)
  })
}

test('a machine without Python has none', () => {
  assert.equal(findPython({ PATH: '/nowhere' }).type, 'missing')
})

/** A stand-in that says its version, makes environments of copies of itself, and notes what it is asked. */
function house(t: TestContext, fails = 'never') {
  const root = temporaryFolder()
  t.after(() => rm(root, { recursive: true, force: true }))
  const [bin, path, notes] = [join(root, 'bin'), join(root, 'data'), join(root, 'notes')]
  mkdirSync(bin)
  const script = `#!/bin/sh
case "$*" in *${fails}*) echo 'no address for pypi.org' >&2; exit 1;; esac
echo "$*" >> '${notes}'
case "$*" in
  --version) echo 'Python 3.11.7';;
  *venv*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && cp "$0" "$3/bin/uv";;
esac
`
  const python = join(bin, 'python3')
  writeFileSync(python, script)
  chmodSync(python, 0o755)
  const said: string[] = []
  const env = { PATH: [bin, '/usr/bin', '/bin'].join(delimiter) }
  const { signal } = new AbortController()
  const ask = () =>
    pythonFor({ path, requirements: 'trees', env, say: (text) => said.push(text), signal })
  const asked = (what: string): number =>
    readFileSync(notes, 'utf8')
      .split('\n')
      .filter((line) => line.includes(what)).length
  return { ask, asked, said, folder: join(path, 'python') }
}

test('an environment is made once, by the letter of its requirements, and found again', async (t) => {
  const { ask, asked, said } = house(t)
  const { command, env } = await ask()
  assert.ok(existsSync(command))
  assert.match(env.PYTHONPATH ?? '', /models\/python$/)
  assert.equal((await ask()).command, command)
  assert.equal(asked('-m venv'), 1)
  assert.equal(asked('requirements-trees.txt'), 1)
  assert.match(said[0] ?? '', /setting up Python for trees/)
})

test('two who want it at once make one', async (t) => {
  const { ask, asked } = house(t)
  const [first, second] = await Promise.all([ask(), ask()])
  assert.equal(first.command, second.command)
  assert.equal(asked('-m venv'), 1)
})

test('half an environment is made again, and the lock of a dead process is taken', async (t) => {
  const { ask, asked, folder } = house(t)
  const { command } = await ask()
  const made = join(command, '../..')
  await rm(join(made, 'ready'))
  // No process has a number that large.
  writeFileSync(
    join(folder, 'lock'),
    JSON.stringify({ pid: 99_999_999, startedAt: '', address: null }),
  )
  await ask()
  assert.equal(asked('-m venv'), 2)
  assert.equal(existsSync(join(folder, 'lock')), false)
})

test('without a network it says so, leaves no lock, and may be tried again', async (t) => {
  const { ask, folder } = house(t, 'requirements-trees')
  await assert.rejects(ask(), (error: Error & { code?: string; retryable?: boolean }) => {
    assert.equal(error.code, 'python.packages')
    assert.equal(error.retryable, true)
    assert.match(error.message, /no address for pypi\.org.*look at the network/)
    return true
  })
  assert.equal(existsSync(join(folder, 'lock')), false)
})

for (const requirements of ['trees', 'torch']) {
  test(`${requirements}: every package, also those that others need, is one version with its hashes`, () => {
    const file = join(familiesFolder, 'python', `requirements-${requirements}.txt`)
    const text = readFileSync(file, 'utf8').replaceAll('\\\n', '')
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    assert.ok(lines.length > 20)
    for (const line of lines) assert.match(line, /^[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}/)
    const wanted = readFileSync(file.replace('.txt', '.in'), 'utf8').split('\n')
    for (const name of wanted.filter((it) => it !== '' && !it.startsWith('-r')))
      assert.ok(
        lines.some((line) => line.startsWith(`${name}==`)),
        name,
      )
  })
}
