import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startingApp } from '../../../ops/api/starting.ts'
import { commands } from '../../../ops/cli/cli.ts'
import type { World } from '../../../ops/cli/world.ts'
import { Fault } from '../../../streams/fault.ts'
import { stubReads } from '../api/stub.ts'
import { healthy, starling, stubWorld } from './stub.ts'

const absent: Partial<World> = { holder: () => undefined }
const { daemon, openMarket: opening } = stubWorld()
const refusing = (code: Fault['code']): Partial<World> => ({
  daemon: {
    ...daemon,
    run: async () => {
      throw new Fault(code, 'no')
    },
  },
})
const timeout = Object.assign(new Error('late'), { name: 'TimeoutError' })

const codes: readonly [string, string, number, RegExp, Partial<World>?][] = [
  ['help', 'help', 0, /^$/],
  ['help of one command', 'help run', 0, /^$/],
  ['--help after a command', 'coins add --help', 0, /^$/],
  ['the version', '--version', 0, /^$/],
  ['nothing said', '', 2, /^$/],
  ['no such command', 'statsu', 2, /there is no command statsu; did you mean status\?/],
  ['nothing like a command', 'xyzzy', 2, /starling help lists them/],
  ['no such option', 'run --sorce tape', 2, /did you mean --source\?/],
  ['an option without its value', 'run --source', 2, /usage: starling run/],
  ['a word too few', 'pause', 2, /^starling: name a coin\nusage/],
  ['two words too few', 'swap BTC/USDT', 2, /^starling: name a family and a version/],
  ['no file', 'backup', 2, /^starling: name a file/],
  ['a word too many', 'status now', 2, /now is one word too many/],
  ['no coin', 'pause btc', 2, /found btc, expected a coin such as BTC\/USDT/],
  [
    'a number below 0',
    'replay --candles -1',
    2,
    /--candles: found -1, expected its value; .* --candles=-1/,
  ],
  ['no count', 'replay --candles=-1', 2, /--candles: found -1, expected a whole number from 0 on/],
  ['no number', 'replay --seed x', 2, /--seed: found x, expected a whole number/],
  ['no instant', 'backfill --coin BTC/USDT --from noon', 2, /--from: found noon/],
  ['no table', 'export candels --out x.csv', 2, /did you mean candles\?/],
  ['nowhere to write', 'export candles', 2, /--out is missing/],
  ['whose market', 'import x.csv', 2, /--coin is missing/],
  ['what did not heal', 'import x.csv --coin BTC/USDT', 0, /^2 candles stay .*: stop it/],
  ['no daemon', 'status', 3, /no daemon is running on \.starling/, absent],
  [
    'what is named by an empty variable is not named',
    'status',
    3,
    /no daemon is running on \.starling/,
    { ...absent, env: { STARLING_DATA: '', STARLING_CONFIG: '' } },
  ],
  ['no daemon to stop', 'stop', 3, /no daemon is running/, absent],
  ['no daemon to control', 'pause BTC/USDT', 3, /no daemon is running/, absent],
  [
    'a daemon that starts',
    'status',
    3,
    /still starting/,
    { holder: () => ({ pid: 7, address: null }) },
  ],
  [
    'a daemon that has only its port',
    'status',
    3,
    /the daemon is starting: looking for a live market/,
    { fetch: async () => startingApp(() => 'looking for a live market').request('/api/v1/status') },
  ],
  ['a wrong option', 'run --port x', 4, /--port: api\.port: found "x"/],
  ['a wrong variable', 'config', 4, /STARLING_API_PORT/, { env: { STARLING_API_PORT: 'x' } }],
  ['no such file', 'config --config /nowhere.yaml', 4, /nowhere\.yaml/],
  ['no such file, beside a daemon', 'status --config /nowhere.yaml', 4, /nowhere\.yaml/],
  ['no such file, for a list', 'predictions --config /nowhere.yaml', 4, /nowhere\.yaml/],
  ["another market than the daemon's", 'predictions --source kraken', 2, /daemon follows tape/],
  ["another market's status", 'status --source kraken', 2, /--source: found kraken/],
  ["the daemon's own market", 'predictions --source tape', 0, /^$/],
  [
    'a daemon that is silent',
    'coins',
    5,
    /did not answer/,
    { fetch: () => Promise.reject(timeout) },
  ],
  [
    'a daemon out of reach',
    'coins',
    1,
    /cannot be reached/,
    { fetch: () => Promise.reject(new Error('x')) },
  ],
  [
    'a wrong limit',
    'predictions --limit 0',
    2,
    /^starling: --limit: expected a whole number from 1/,
  ],
  ['a list of no coin', 'lanes --coin FOO', 2, /^starling: --coin: expected a coin such as/],
  ['a list of no family', 'models --family NoFam', 2, /^starling: --family: expected a family/],
  ['a list from no instant', 'predictions --from noon', 2, /^starling: --from: expected an ISO/],
  ['no window', 'scores --window abc', 2, /^starling: --window: expected whole days such as 7d/],
  ['a range that ends before it begins', 'backfill --coin BTC/USDT --from 2 --to 1', 2, /later/],
  [
    'a comparison over no day',
    'evaluate --coin BTC/USDT --family linear --days 0',
    2,
    /--days: found 0, expected at least 1/,
  ],
  ['no number of lines', 'logs --lines abc', 2, /--lines: found abc, expected a whole number/],
  ['a wrong token', 'pause BTC/USDT', 1, /token/, { token: () => undefined }],
  ['a start that fails', 'run', 1, /^starling: no\n$/, refusing('api.port_in_use')],
  ['a start that is misconfigured', 'run', 4, /no/, refusing('config.invalid')],
  [
    'a check that does not hold',
    'doctor',
    1,
    /^$/,
    { probes: { ...healthy, nodeVersion: '20.0.0' } },
  ],
  ['all well', 'status', 0, /^$/],
]
for (const [what, line, code, err, more] of codes) {
  test(`${what} ends with ${code}: starling ${line}`, async () => {
    const ended = await starling(line, more)
    assert.match(ended.err, err)
    assert.equal(ended.code, code)
  })
}

test('doctor says what is lacking although nothing fails for it', async () => {
  const { code, out } = await starling('doctor', {
    probes: { ...healthy, versionOf: () => 'Python 3.7.3' },
  })
  assert.equal(code, 0)
  assert.match(out, /^lacks {2}python +only linear is trained\n +mend: Python 3\.7\.3 is too old/m)
  assert.match(out, /^ok {5}runtime/m)
})

test('the checks of a dataset stand under their names', async () => {
  const checks = [{ name: 'rows', ok: true, found: 5 }]
  const made = { rows: 5, quality: { examples: 4, checks } }
  const { out } = await starling('dataset --coin BTC/USDT --out d', {
    daemon: { ...daemon, dataset: async () => made },
  })
  const lines = out.trim().split('\n')
  assert.deepEqual(
    lines.map((line) => line.split(/ +/).join(' ')),
    ['rows 5', 'quality.examples 4', 'quality.checks.rows.ok true', 'quality.checks.rows.found 5'],
  )
})

test('every command explains itself and its options', async () => {
  for (const { name, options } of commands) {
    const { code, out } = await starling(`${name} --help`)
    assert.equal(code, 0)
    assert(out.startsWith(`usage: starling ${name}`), name)
    for (const option of Object.keys(options ?? {})) assert.match(out, new RegExp(`--${option} `))
  }
})

test('data goes to stdout, as a table or as the body of the route', async () => {
  const shown = await starling('lanes')
  assert.equal(
    shown.out,
    [
      'coin      family  state    v1  v2  v3  swap  archived',
      'BTC/USDT  linear  running   1   -   -  4            -',
      '',
    ].join('\n'),
  )
  assert.equal(shown.err, '')
  const asked = await starling('lanes --json')
  assert.partialDeepStrictEqual(JSON.parse(asked.out), {
    items: [{ slots: { v1: 1 } }],
    next: null,
  })
})

for (const list of ['coins', 'lanes', 'models', 'swaps', 'scores', 'predictions', 'features']) {
  test(`${list} is printed both ways, each column under a name of its own`, async () => {
    const fetching: typeof fetch = async (input, init) => {
      const answer = await stubWorld().fetch(input, init)
      return list === 'scores' ? Response.json({ items: [{}], next: null }) : answer
    }
    const shown = await starling(list, { fetch: fetching })
    assert.equal(shown.code, 0)
    const names = (shown.out.split('\n')[0] ?? '').split(/ {2,}/)
    assert.deepEqual(names, [...new Set(names)])
    const { out } = await starling(`${list} --json`)
    assert.equal(typeof JSON.parse(out), 'object')
  })
}

test('the list of features says one candle where it is one', async () => {
  const { out } = await starling('features --json')
  assert.match(out, /the close 1 candle ago/)
  assert.doesNotMatch(out, /\b1 candles/)
})

test('without a daemon the data directory itself is asked, and closed', async () => {
  let closed = 0
  const opened: string[] = []
  const openMarket: World['openMarket'] = async (path, config) => {
    opened.push(path)
    return { ...(await opening(path, config)), close: async () => void closed++ }
  }
  const line = 'predictions --coin BTC/USDT --data elsewhere --json'
  const { code, out } = await starling(line, { ...absent, openMarket })
  assert.equal(code, 0)
  assert.equal(JSON.parse(out).items[0].coin, 'BTC/USDT')
  assert.deepEqual([opened, closed], [['elsewhere'], 1])
})

test('the data directory may be named in the environment', async () => {
  const { err } = await starling('status', { ...absent, env: { STARLING_DATA: '/srv/x' } })
  assert.match(err, /on \/srv\/x/)
})

test('filters become the query of the route', async () => {
  const asked: string[] = []
  const fetching: typeof fetch = async (input) => {
    asked.push(String(input))
    return Response.json({ items: [], next: null })
  }
  await starling('predictions --coin BTC/USDT --slot v1 --limit 3', { fetch: fetching })
  assert.deepEqual(asked, [
    'http://127.0.0.1:8080/api/v1/predictions?coin=BTC-USDT&slot=v1&limit=3',
  ])
})

test('a list that has no limit is shown whole, page after page', async () => {
  const fetching: typeof fetch = async (input) => {
    const isSecond = String(input).includes('cursor=two')
    const coin = isSecond ? 'ETH/USDT' : 'BTC/USDT'
    return Response.json({ items: [{ coin }], next: isSecond ? null : 'two' })
  }
  const { out } = await starling('models --family linear --json', { fetch: fetching })
  assert.deepEqual(JSON.parse(out), {
    items: [{ coin: 'BTC/USDT' }, { coin: 'ETH/USDT' }],
    next: null,
  })
})

test('continuity ends with 1 on anything unexplained, with 2 where the question is none', async () => {
  const odd = await starling('continuity --from noon')
  assert.equal(odd.code, 2)
  assert.match(odd.err, /--from: found noon, expected an instant/)
  assert.equal((await starling('continuity')).code, 0)
  const audit = await stubReads.continuity(undefined, undefined)
  const reads = { ...stubReads, continuity: async () => ({ ...audit, unexplained: 1 }) }
  const openMarket: World['openMarket'] = async (...of) => ({ ...(await opening(...of)), reads })
  const { code, out } = await starling('continuity', { ...absent, openMarket })
  assert.equal(code, 1)
  assert.match(out, /1 unexplained, 0 duplicate/)
})

test('options of run are configuration', async () => {
  let seen: unknown
  const run: World['daemon']['run'] = async ({ config, dataPath, json }) => {
    seen = [
      config.market.source,
      config.market.tape.seed,
      config.market.tape.speed,
      config.api.port,
      dataPath,
      json,
    ]
    return 1
  }
  const line = 'run --source tape --seed 3 --speed 0.5 --port 0 --data d --json'
  const { code } = await starling(line, { daemon: { ...daemon, run } })
  assert.deepEqual(seen, ['tape', 3, 0.5, 0, 'd', true])
  assert.equal(code, 1)
})

test('a control is sent where it belongs, with its reason', async () => {
  const sent: unknown[] = []
  const fetching: typeof fetch = async (input, init) => {
    const { authorization } = Object(init?.headers)
    sent.push([init?.method, String(input), init?.body, authorization])
    return Response.json({ state: 'paused' })
  }
  const { out } = await starling('pause btc-usdt linear --reason x', {
    fetch: fetching,
    token: () => 't',
  })
  assert.deepEqual(sent, [
    [
      'POST',
      'http://127.0.0.1:8080/api/v1/lanes/BTC-USDT/linear/pause',
      '{"reason":"x"}',
      'Bearer t',
    ],
  ])
  assert.equal(out, 'paused\n')
})

test('coins are added and removed', async () => {
  assert.equal((await starling('coins add SOL/USDT')).out, 'BTC/USDT\n')
  assert.equal((await starling('coins remove BTC-USDT')).code, 0)
})

test('config shows what holds and who said so', async () => {
  const { out } = await starling('config --json', { env: { STARLING_API_TOKEN: 'x'.repeat(16) } })
  const { values, origins } = JSON.parse(out)
  assert.equal(values.api.token, '***')
  assert.equal(origins['api.token'], 'STARLING_API_TOKEN')
})

test('a bug shows where it happened', async () => {
  const run = async (): Promise<number> => {
    throw new TypeError('x is not a function')
  }
  const { code, err } = await starling('run', { daemon: { ...daemon, run } })
  assert.equal(code, 1)
  assert.match(err, /x is not a function\n\s+at /)
})
