import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gateDefaults } from '../../../models/judging/gate.ts'
import { describeConfig, loadConfig } from '../../../ops/config/load.ts'
import { Fault } from '../../../streams/fault.ts'

function fileWith(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'starling config '))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'starling.yaml')
  writeFileSync(path, text)
  return path
}

function messageOf(load: () => unknown): string {
  try {
    load()
  } catch (error) {
    assert(error instanceof Fault)
    assert.match(error.code, /^config\./)
    return error.message
  }
  return assert.fail('nothing was found wrong')
}

test('without a file everything has its default', () => {
  const { config, origins } = loadConfig({ env: {} })
  assert.equal(config.market.source, 'auto')
  assert.deepEqual(config.market.coins, ['BTC/USDT', 'ETH/USDT'])
  assert.equal(config.market.interval, 60_000)
  assert.equal(config.store.keep.candles, 5 * 365 * 86_400_000)
  assert.deepEqual(Object.keys(config.fleet.families), [
    'linear',
    'lightgbm',
    'tst',
    'lstm',
    'volatility',
  ])
  assert.deepEqual([...new Set(Object.values(origins))], ['default'])
})

test('an empty file, and a section left empty, set nothing', (t) => {
  const empty = loadConfig({ file: fileWith(t, '') }).config
  assert.deepEqual(empty, loadConfig({}).config)
  assert.deepEqual(loadConfig({ file: fileWith(t, 'market:\napi:\n') }).config, empty)
})

test('the file goes over the defaults, the environment over the file, options over both', (t) => {
  const file = fileWith(t, 'market:\n  source: kraken\n  historyDays: 3\napi: { port: 1 }\n')
  const { config, origins } = loadConfig({
    file,
    env: { STARLING_MARKET_HISTORYDAYS: '4', STARLING_API_PORT: '2' },
    flags: [{ path: ['api', 'port'], name: '--port', value: 3 }],
  })
  assert.equal(config.market.source, 'kraken')
  assert.equal(config.market.historyDays, 4)
  assert.equal(config.api.port, 3)
  assert.equal(origins['market.source'], `${file}:2`)
  assert.equal(origins['market.historyDays'], 'STARLING_MARKET_HISTORYDAYS')
  assert.equal(origins['api.port'], '--port')
  assert.equal(origins['api.host'], 'default')
})

test('families of the file replace the default ones; the environment adds to what is there', (t) => {
  const file = fileWith(t, 'fleet: { families: { linear: { horizon: 30m }, mine: {} } }')
  const { config } = loadConfig({ file, env: { STARLING_FLEET_FAMILIES_MINE_RETRAIN: '1d' } })
  assert.deepEqual(config.fleet.families, {
    linear: { horizon: 1_800_000, retrain: null, warmStart: false, expiresAfter: null },
    mine: { horizon: null, retrain: 86_400_000, warmStart: false, expiresAfter: null },
  })
})

const environments: readonly [
  string,
  string,
  (c: ReturnType<typeof loadConfig>) => unknown,
  unknown,
][] = [
  ['STARLING_MARKET_HISTORY_DAYS', '9', ({ config }) => config.market.historyDays, 9],
  ['STARLING_MARKET_COINS', 'BTC/USDT, SOL/USDT', ({ config }) => config.market.coins.length, 2],
  ['STARLING_MARKET_COINS', '[ADA/EUR]', ({ config }) => config.market.coins[0], 'ADA/EUR'],
  ['STARLING_MARKET_TAPE_SPEED', '1', ({ config }) => config.market.tape.speed, 1],
  [
    'STARLING_STORE_KEEP_ARCHIVED_PREDICTIONS',
    '1d',
    ({ config }) => config.store.keep.archivedPredictions,
    86_400_000,
  ],
  [
    'STARLING_FLEET_FAMILIES_TST_WARM_START',
    'true',
    ({ config }) => config.fleet.families.tst?.warmStart,
    true,
  ],
  ['STARLING_BUS_BROKERS', '', ({ config }) => config.bus.brokers.length, 0],
  ['DATABASE_URL', 'postgres://h/x', ({ config }) => config.store.url, 'postgres://h/x'],
  ['STARLING_SERVICE_HOST', '10.0.0.1', ({ config }) => config.api.host, '127.0.0.1'],
  ['STARLING_PORT', 'tcp://10.0.0.1:80', ({ config }) => config.api.port, 8080],
]
for (const [name, value, read, expected] of environments) {
  test(`${name}=${value} is understood`, () => {
    assert.equal(read(loadConfig({ env: { [name]: value } })), expected)
  })
}

test('STARLING_STORE_URL goes over DATABASE_URL', () => {
  const env = { DATABASE_URL: 'postgres://a/a', STARLING_STORE_URL: 'postgres://b/b' }
  assert.equal(loadConfig({ env }).config.store.url, 'postgres://b/b')
})

/** What stands in the file; the message, from its line on. */
const wrong: readonly [string, string, string][] = [
  [
    'a word for a number',
    'market:\n  tape: { speed: fast }',
    '2: market.tape.speed: found "fast", expected a number from 0.001 to 1000000000',
  ],
  [
    'an interval that no hour holds',
    'market:\n\n  interval: 7m',
    '3: market.interval: found "7m", expected an interval that divides an hour evenly, such as 1m or 5m',
  ],
  [
    'a number for a duration',
    'store:\n  keep:\n    trades: 3',
    '3: store.keep.trades: found 3, expected a duration such as 15m, 12h or 5d',
  ],
  [
    'a coin without its quote',
    'market:\n  coins:\n    - BTC/USDT\n    - btc',
    '4: market.coins.1: found "btc", expected a coin such as BTC/USDT, or a derivative such as BTC/USDT:USDT',
  ],
  [
    'a text for a list',
    'market: { coins: BTC }',
    '1: market.coins: found "BTC", expected a list of coins such as [BTC/USDT, ETH/USDT]',
  ],
  ['no coin', 'market: { coins: [] }', '1: market.coins: found [], expected at least one coin'],
  [
    'a port that cannot be',
    'api:\n  port: 99999',
    '2: api.port: found 99999, expected a whole number from 0 to 65535',
  ],
  [
    'a short token, unseen',
    'api:\n  token: hunter2',
    '2: api.token: found "***", expected null or a token of at least 16 characters',
  ],
  ['a mapping that is none', 'store: 5', '1: store: found 5, expected a mapping'],
  ['a file that is none', '- a\n- b', '1: the file: found ["a","b"], expected a mapping'],
  [
    'no such profile',
    'gate: { profile: lax }',
    '1: gate.profile: found "lax", expected one of open, paying, strict',
  ],
  [
    'no children',
    'inference: { children: 0 }',
    '1: inference.children: found 0, expected auto or a whole number from 1 to 64',
  ],
  [
    'a source that is no id',
    'market: { source: "Binance US" }',
    '1: market.source: found "Binance US", expected auto, tape or the id of a ccxt exchange such as binance',
  ],
  [
    'a rented machine',
    'training:\n  where: vast',
    '2: training.where: found "vast", expected local or off: machines cannot be rented yet',
  ],
  [
    'a warm start that is neither',
    'fleet:\n  families:\n    tst: { warmStart: 1 }',
    '3: fleet.families.tst.warmStart: found 1, expected true or false',
  ],
  [
    'a horizon between candles',
    'fleet:\n  families:\n    linear: { horizon: 90s }',
    '3: fleet.families.linear.horizon: found "90s", expected a multiple of market.interval',
  ],
  [
    'a family in capitals',
    'fleet:\n  families:\n    TST: {}',
    '3: fleet.families.TST: found {}, expected a family name: small letters, digits and underscores',
  ],
  [
    'a store elsewhere',
    'store: { url: "mysql://u:secret@h/x" }',
    '1: store.url: found "mysql://u:***@h/x", expected null or an address that starts with postgres:// or postgresql://',
  ],
  ['a slip in a section', 'markt: { source: tape }', '1: markt: unknown key; did you mean market?'],
  [
    'a slip in a key',
    'market:\n  sorce: tape',
    '2: market.sorce: unknown key; did you mean source?',
  ],
  [
    'a slip under a family',
    'fleet: { families: { mine: { retran: 1d } } }',
    '1: fleet.families.mine.retran: unknown key; did you mean retrain?',
  ],
  [
    'nothing like a key',
    'gate: { frobnicate: 1 }',
    `1: gate.frobnicate: unknown key; expected one of ${Object.keys(gateDefaults).join(', ')}`,
  ],
  ['a key said twice', 'api: { port: 1 }\napi: { port: 2 }', '2: Map keys must be unique'],
  [
    'no YAML',
    'api: {port: 1',
    '1: Flow map in block collection must be sufficiently indented and end with a }',
  ],
]
for (const [what, text, message] of wrong) {
  test(`${what} is refused with file, line, key, what was found and what was expected`, (t) => {
    const file = fileWith(t, text)
    assert.equal(
      messageOf(() => loadConfig({ file })),
      `${file}:${message}`,
    )
  })
}

test('everything that is wrong is said at once', (t) => {
  const file = fileWith(t, 'api:\n  port: x\n  hots: y\nfees: z')
  assert.equal(messageOf(() => loadConfig({ file })).split('\n').length, 3)
})

test('a wrong value of the environment or an option is named by its own name', () => {
  assert.match(
    messageOf(() => loadConfig({ env: { STARLING_API_PORT: 'x' } })),
    /^STARLING_API_PORT: api\.port: found "x"/,
  )
  const flags = [{ path: ['api', 'port'], name: '--port', value: -1 }]
  assert.match(
    messageOf(() => loadConfig({ flags })),
    /^--port: api\.port: found -1/,
  )
})

const slips: readonly [string, string][] = [
  ['STARLING_MARKT_SOURCE', 'STARLING_MARKET_SOURCE'],
  ['STARLING_MARKET_SORCE', 'STARLING_MARKET_SOURCE'],
  ['STARLING_STORE_KEEP_TRADE', 'STARLING_STORE_KEEP_TRADES'],
]
for (const [name, meant] of slips) {
  test(`${name} suggests ${meant}`, () => {
    assert.match(
      messageOf(() => loadConfig({ env: { [name]: '1' } })),
      new RegExp(`did you mean ${meant}\\?`),
    )
  })
}

test('a file that was asked for and is not there is refused', () => {
  assert.match(
    messageOf(() => loadConfig({ file: '/nowhere/starling.yaml' })),
    /ENOENT/,
  )
})

test('what is printed has its secrets masked and durations as they are written', () => {
  const env = {
    STARLING_API_TOKEN: 'a-token-of-enough-length',
    STARLING_STORE_URL: 'postgres://user:pass@host/db?sslkey=abc',
  }
  const { values } = describeConfig(loadConfig({ env }))
  const printed = values as Record<string, Record<string, unknown>>
  assert.equal(printed.api?.token, '***')
  assert.equal(printed.store?.url, 'postgres://user:***@host/db?sslkey=***')
  assert.partialDeepStrictEqual(printed.store, { keep: { candles: '5y' } })
  assert.doesNotMatch(JSON.stringify(values), /pass|abc|a-token/)
})
