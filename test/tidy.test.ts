/** Style as a test: the tree obeys the rules of test/tidy/rules.ts, and each rule is shown to find a planted violation. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { rules } from './tidy/rules.ts'
import { readSource, type Source, type Violation } from './tidy/source.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Tracked and not yet tracked, without what git ignores; without git (an image, an archive) the rules have no say. */
function filesOfTheTree(...kinds: readonly string[]): readonly string[] | undefined {
  if (!existsSync(join(root, '.git'))) return undefined
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', ...kinds]
  return execFileSync('git', list, { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(root, path)))
}

const paths = filesOfTheTree('*.ts', '*.mjs')
const tree = (paths ?? []).map((path) => readSource(path, readFileSync(join(root, path), 'utf8')))

test('the tree is there to be read', { skip: paths ? false : 'not a git checkout' }, () => {
  for (const floor of ['streams', 'models', 'actors', 'supervisor', 'ops', 'test'])
    assert.ok(
      tree.some((source) => source.path.startsWith(`${floor}/`)),
      `no file in ${floor}/`,
    )
})

for (const [name, rule] of Object.entries(rules)) {
  test(name, { skip: paths ? false : 'not a git checkout' }, () => {
    const found = rule(tree).map(({ path, line, say }) => `${path}:${line} ${say}`)
    assert.equal(found.length, 0, `\n${found.join('\n')}`)
  })
}

test('what documents and comments name is there', {
  skip: paths ? false : 'not a git checkout',
}, () => {
  const named =
    /(?<![\w/.-])(?:streams|models|actors|supervisor|ops|test)\/[a-z0-9_./-]+\.(?:ts|mjs|py|md|sql|json)\b/g
  const gone = [...(paths ?? []), ...(filesOfTheTree('*.md') ?? [])]
    // The rules are shown on files that are made up.
    .filter((path) => !path.startsWith('test/tidy'))
    .flatMap((path) =>
      (readFileSync(join(root, path), 'utf8').match(named) ?? [])
        .filter((name) => !existsSync(join(root, name)))
        .map((name) => `${path} names ${name}`),
    )
  assert.deepEqual(gone, [])
})

type RuleName = keyof typeof rules

/** Each text breaks its rule on the line given and no other: path, text, line. */
const planted: readonly [RuleName, string, string, number][] = [
  ['imports point down only', 'streams/a.ts', "//\nimport { b } from '../models/b.ts'", 2],
  ['imports point down only', 'models/a.ts', "//\nimport type { b } from '../ops/b.ts'", 2],
  ['imports point down only', 'actors/a.ts', "//\nconst b = await import('../supervisor/b.ts')", 2],
  ['imports point down only', 'ops/a.ts', "//\nexport { b } from '../test/support/b.ts'", 2],
  [
    'imports point down only',
    'streams/a.ts',
    "//\nimport {\n  b,\n  c,\n} from '../actors/b.ts'",
    5,
  ],
  [
    'imports point down only',
    'actors/a.ts',
    "//\nfork(new URL('../ops/b.ts', import.meta.url))",
    2,
  ],
  ['every library has its address', 'actors/a.ts', "//\nimport { z } from 'nact'", 2],
  ['every library has its address', 'models/a.ts', "//\nimport { map } from 'rxjs/operators'", 2],
  ['every library has its address', 'ops/main.ts', "//\nimport('onnxruntime-node')", 2],
  ['every library has its address', 'ops/cli/a.ts', "//\nimport { cors } from 'hono/cors'", 2],
  ['every library has its address', 'ops/api/a.ts', "//\nimport p from 'postgres'", 2],
  ['every library has its address', 'ops/store/a.ts', "//\nimport { Gauge } from 'prom-client'", 2],
  ['time, chance, environment and console are arguments', 'streams/a.ts', '//\nDate.now()', 2],
  ['time, chance, environment and console are arguments', 'actors/a.ts', '//\nnew Date()', 2],
  ['time, chance, environment and console are arguments', 'models/a.ts', '//\nsetTimeout(f, 1)', 2],
  [
    'time, chance, environment and console are arguments',
    'models/a.ts',
    "//\nimport { setInterval } from 'node:timers'",
    2,
  ],
  [
    'time, chance, environment and console are arguments',
    'streams/a.ts',
    '//\nconst p = Math.random()',
    2,
  ],
  ['time, chance, environment and console are arguments', 'ops/a.ts', '//\nprocess.env.HOME', 2],
  ['time, chance, environment and console are arguments', 'ops/a.ts', '//\nconsole.log(1)', 2],
  [
    'time, chance, environment and console are arguments',
    'streams/a.ts',
    `//\n\`$${'{'}Date.now()}\``,
    2,
  ],
  ['files are short, lines too', 'ops/a.ts', `//\n${'f()\n'.repeat(400)}`, 401],
  ['files are short, lines too', 'ops/a.ts', `//\nconst a = ${'b + '.repeat(30)}c`, 2],
  ['files are short, lines too', 'ops/a.ts', `//\n// ${'words '.repeat(30)}`, 2],
  ['a file is named for what it is', 'ops/utils.ts', '//', 1],
  ['a file is named for what it is', 'streams/index.ts', '//', 1],
  ['a file is named for what it is', 'test/ops/helpers.test.ts', '//', 1],
  ['a file is named for what it is', 'ops/swapManager.ts', '//', 1],
  ['a file is named for what it is', 'ops/swap-manager.ts', '//', 1],
  ['a file opens with what it is for', 'ops/a.ts', "import 'b'", 1],
  ['no default exports, enums, any', 'ops/a.ts', '//\nexport default function f() {}', 2],
  ['no default exports, enums, any', 'ops/a.ts', '//\nexport enum Side { Buy }', 2],
  ['no default exports, enums, any', 'ops/a.ts', '//\nlet a: any', 2],
  ['no default exports, enums, any', 'ops/a.ts', '//\nf(b as any)', 2],
  ['no default exports, enums, any', 'ops/a.ts', '//\nlet a: Map<string, any>', 2],
  ['no default exports, enums, any', 'ops/a.ts', "//\nexport * from './b.ts'", 2],
  ['nothing is left for later', 'ops/a.ts', `//\nf() // ${'TO'}${'DO'}: later`, 2],
  ['nothing is left for later', 'ops/a.ts', `//\n/* ${'FIX'}${'ME'} */`, 2],
  ['nothing is left for later', 'ops/a.ts', '//\n  // const a = f()', 2],
  ['nothing is left for later', 'ops/a.ts', '//\n// if (a) {', 2],
  ['paths survive a space', 'test/a.ts', "//\nnew URL('./b', import.meta.url).pathname", 2],
  ['every file is used', 'ops/a.ts', '//', 1],
  ['imports go round in no circle', 'ops/a.ts', "//\nimport type { b } from './a.ts'", 2],
  ['tests mirror what they test', 'test/ops/b.test.ts', '//', 1],
]

for (const [name, path, text, line] of planted) {
  test(`planted: ${name}: ${path} ${JSON.stringify(text.slice(3, 60))}`, () => {
    const found: readonly Violation[] = rules[name]([readSource(path, text)])
    assert.deepEqual(
      found.map((one) => [one.path, one.line]),
      [[path, line]],
    )
    assert.match(found[0]?.say ?? '', /\w/)
  })
}

/** What looks like a violation and is none. */
const innocent: readonly [string, string][] = [
  ['ops/a.ts', "//\nimport { b } from '../streams/b.ts'\nimport { c } from './c.ts'"],
  [
    'streams/a.ts',
    "// Date.now() is banned here, and so is setTimeout.\nconst say = 'console.log(1)'",
  ],
  [
    'streams/a.ts',
    '/** not import(`../ops/b.ts`) */\nconst text = "import { b } from \'../ops/b.ts\'"',
  ],
  ['streams/a.ts', '// Takes any number, in any order.\nconst anyOf = { any: 1 }'],
  ['streams/a.ts', '// return to where it was, if that was known.\nclock.now()'],
  ['streams/a.ts', '//\nconst quote = /\'|"|`/\nconst after = 1'],
  ['streams/a.ts', '//\nconst half = a / 2 / b // whole'],
  ['actors/actor.ts', "//\nimport * as nact from 'nact'"],
  ['ops/config/environment.ts', '//\nreturn process.env'],
  ['ops/a.ts', "//\nfork(new URL('./a.ts', import.meta.url))"],
  ['test/a.test.ts', '//\nDate.now()'],
]

for (const [path, text] of innocent) {
  test(`innocent: ${path} ${JSON.stringify(text.slice(0, 60))}`, () => {
    const sources: readonly Source[] = [readSource(path, text)]
    for (const [name, rule] of Object.entries(rules))
      if (name !== 'every file is used') assert.deepEqual(rule(sources), [], name)
  })
}
