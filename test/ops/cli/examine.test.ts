import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Check, examine } from '../../../ops/cli/examine.ts'
import { type Probes, realProbes } from '../../../ops/cli/probes.ts'
import { loadConfig } from '../../../ops/config/load.ts'
import { healthy } from './stub.ts'

const wrong: readonly [string, Partial<Probes>, string, RegExp, RegExp][] = [
  ['an old Node', { nodeVersion: '20.1.0' }, 'runtime', /20\.1\.0/, /npm/],
  ['a package away', { missingPackages: () => ['hono'] }, 'packages', /missing: hono/, /npm ci/],
  ['a folder of another', { cannotWrite: () => 'EACCES' }, 'data directory', /EACCES/, /--data/],
  ['a disk nearly full', { freeBytes: () => 1e9 }, 'disk', /0\.9 GiB/, /store\.keep/],
  ['a port in use', { canListen: async () => false }, 'port', /8080 .* is taken/, /--port/],
  ['a clock that is off', { now: () => 60_500 }, 'clock', /60\.0 s from/, /keep time/],
  [
    'data of another PostgreSQL',
    { ownDatabase: () => ({ why: 'the data is of PostgreSQL 17' }) },
    'database',
    /PostgreSQL 17/,
    /--data/,
  ],
]
for (const [what, probes, name, detail, mend] of wrong) {
  test(`${what} is found, with what mends it, and nothing else is wrong`, async () => {
    const checks = await examine(loadConfig({}).config, 'd', undefined, { ...healthy, ...probes })
    const failed = checks.filter(({ ok }) => !ok)
    assert.deepEqual(
      failed.map((check) => check.name),
      [name],
    )
    assert.match(failed[0]?.detail ?? '', detail)
    assert.match(failed[0]?.mend ?? '', mend)
  })
}

test('a folder in which nothing can be made, and the version of the database, are told in words for people', () => {
  const { cannotWrite, ownDatabase } = realProbes(process.cwd(), [], () => 0, fetch)
  assert.match(
    cannotWrite('/proc/starling') ?? '',
    /^(nothing can be made there|it lies on|this user)/,
  )
  assert.match(JSON.stringify(ownDatabase('/proc/starling')), /^{"version":"\d+\.\d+"}$/)
})

test('where all is well there is nothing to mend', async () => {
  const checks = await examine(loadConfig({}).config, 'd', undefined, healthy)
  assert.deepEqual(
    checks.filter(({ ok, mend }) => !ok || mend !== null),
    [],
  )
  assert.deepEqual(
    checks.map(({ name }) => name),
    [
      'runtime',
      'packages',
      'data directory',
      'disk',
      'port',
      'clock',
      'python',
      'database',
      'exchange',
    ],
  )
})

test('a Python that is missing or too old is told with what to do, and nothing fails for it', async () => {
  const python = async (said: string | undefined) => {
    const probes = { ...healthy, versionOf: () => said }
    const checks = await examine(loadConfig({}).config, 'd', undefined, probes)
    assert.ok(checks.every(({ ok }) => ok))
    const { ok, detail, mend } = checks.find(({ name }) => name === 'python') as Check
    return `${ok} ${detail}, ${mend}`
  }
  assert.match(
    await python(undefined),
    /^true only linear is trained, install Python 3\.10 or newer/,
  )
  assert.match(
    await python('Python 3.8.2'),
    /^true only linear is trained, Python 3\.8\.2 is too old: install Python 3\.10/,
  )
  assert.equal(await python('Python 3.11.7'), 'true Python 3.11.7, null')
})

test('each configured outside part is looked for', async () => {
  const env = {
    DATABASE_URL: 'postgres://u:p@db.example/x',
    STARLING_BUS_BROKERS: 'kafka.example:9092',
    STARLING_REGISTRY_URL: 'http://mlflow.example:5000',
    STARLING_ARTIFACTS_URL: 's3://models?endpoint=https://s3.example',
    STARLING_MARKET_SOURCE: 'kraken',
  }
  const asked: string[] = []
  const probes: Probes = {
    ...healthy,
    canConnect: async (host, port) => {
      asked.push(`${host}:${port}`)
      return false
    },
    dateAt: async () => undefined,
  }
  const checks = await examine(loadConfig({ env }).config, 'd', undefined, probes)
  const failed = checks.filter(({ ok }) => !ok).map(({ name }) => name)
  const parts = ['database', 'broker kafka.example:9092', 'registry', 'artifacts', 'exchange']
  assert.deepEqual(failed, parts)
  assert.deepEqual(asked, [
    'db.example:5432',
    'kafka.example:9092',
    'mlflow.example:5000',
    's3.example:443',
  ])
  assert.doesNotMatch(JSON.stringify(checks), /u:p/)
})

test('a market that auto cannot reach is no fault: it plays the tape', async () => {
  const probes = { ...healthy, dateAt: async () => undefined }
  const checks = await examine(loadConfig({}).config, 'd', undefined, probes)
  assert.match(checks.at(-1)?.detail ?? '', /auto will play the tape/)
  assert(checks.every(({ ok }) => ok))
})

test('the port that our own daemon holds is not in anybody’s way', async () => {
  const probes = { ...healthy, canListen: async () => false }
  const holder = { pid: 7, address: 'http://127.0.0.1:8080' }
  const checks = await examine(loadConfig({}).config, 'd', holder, probes)
  assert(checks.every(({ ok }) => ok))
})
