import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createApp } from '../../../ops/api/app.ts'
import type { ApiDeps } from '../../../ops/api/deps.ts'
import { problemSchema } from '../../../ops/api/problem.ts'
import { coinsSchema } from '../../../ops/api/routes/coins.ts'
import { statusSchema } from '../../../ops/api/routes/status.ts'
import type { PageQuery } from '../../../ops/store/reads/page.ts'
import type { StoreReads } from '../../../ops/store/reads/reads.ts'
import { Fault } from '../../../streams/fault.ts'
import { ask, asOperator, btc, candle, noon, stubDeps, stubReads, token } from './stub.ts'

function itemsOf(body: unknown): readonly unknown[] {
  return (body as { items: readonly unknown[] }).items
}

function reading(more: Partial<StoreReads>): Partial<ApiDeps> {
  return { reads: { ...stubReads, ...more } }
}

test('status is the daemon in short', async () => {
  const { status, body } = await ask('/api/v1/status')
  assert.equal(status, 200)
  assert.equal(statusSchema.parse(body).startedAt, '2026-11-20T12:00:00.000Z')
})

test('coins are a bare list', async () => {
  const { body } = await ask('/api/v1/coins')
  assert.equal(coinsSchema.parse(body)[0]?.coin, 'BTC/USDT')
})

const pages: readonly [string, string][] = [
  ['/api/v1/coins/BTC-USDT/candles', 'openAt'],
  ['/api/v1/coins/BTC-USDT/features', 'values'],
  ['/api/v1/gaps', 'healedAt'],
  ['/api/v1/predictions', 'probabilities'],
  ['/api/v1/signals', 'ageMs'],
  ['/api/v1/lanes', 'slots'],
  ['/api/v1/models', 'manifest'],
]
for (const [path, key] of pages) {
  test(`${path} answers items and next`, async () => {
    const { status, body } = await ask(path)
    assert.equal(status, 200)
    const { items, next } = body as { items: readonly object[]; next: unknown }
    assert(key in (items[0] as object))
    assert(next === null || typeof next === 'string')
  })
}

test('a swap is shown with its journal, and by its number', async () => {
  const { body } = await ask('/api/v1/swaps')
  const [swap] = itemsOf(body)
  assert.partialDeepStrictEqual(swap, {
    id: '4',
    coin: 'BTC/USDT',
    from: 1,
    to: 2,
    state: 'running',
    cutAt: '2026-11-20T12:01:00.000Z',
    journal: [{ version: 1, transition: 'announced' }],
  })
  assert.deepEqual((await ask('/api/v1/swaps/4')).body, swap)
  assert.equal((await ask('/api/v1/swaps/5')).status, 404)
})

test('a lane is moved and moved back with the token alone', async () => {
  const lane = '/api/v1/lanes/BTC-USDT/linear'
  const post = (path: string, body: object, headers = {}) =>
    ask(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  const authorized = { authorization: `Bearer ${token}` }
  assert.equal((await post(`${lane}/swap`, { version: 1 })).status, 401)
  const swap = await post(`${lane}/swap`, { version: 1 }, authorized)
  assert.equal(swap.status, 202)
  assert.partialDeepStrictEqual(swap.body, { swap: '4', from: 1, to: 2 })
  assert.equal((await post(`${lane}/swap`, { version: 9 }, authorized)).status, 404)
  assert.equal((await post(`${lane}/swap`, {}, authorized)).status, 400)
  assert.partialDeepStrictEqual((await post(`${lane}/rollback`, {}, authorized)).body, {
    kind: 'rollback',
  })
  const refreshed = await post('/api/v1/registry/refresh', {}, authorized)
  assert.deepEqual(refreshed.body, { announced: 1 })
})

test('a lane shows who holds its slots', async () => {
  const { body } = await ask('/api/v1/lanes?coin=BTC-USDT')
  assert.deepEqual(itemsOf(body), [
    {
      coin: 'BTC/USDT',
      family: 'linear',
      state: 'running',
      slots: { v1: 1, v2: null, v3: null },
      archived: [],
      desired: 2,
      swapping: '4',
    },
  ])
  assert.deepEqual(itemsOf((await ask('/api/v1/lanes?family=tst')).body), [])
})

test('one prediction comes with inputs, stages and outcome', async () => {
  const { body } = await ask('/api/v1/predictions/BTC-USDT/linear/1/2026-11-20T12:00:00Z')
  assert.partialDeepStrictEqual(body, {
    inputs: { return_1: 0.1, rsi_14: null },
    outcome: { resolvedAt: '2026-11-20T12:00:00.000Z' },
    stages: [
      { name: 'inference', ms: 0.4 },
      { name: 'close to commit', ms: 120 },
    ],
  })
})

test('inputs of another feature set are not shown as its own', async () => {
  const row = { openAt: noon, hash: 'sha256:other', flags: [], values: { a: 1 } }
  const features = async () => ({ items: [row], next: null })
  const { body } = await ask(
    `/api/v1/predictions/BTC-USDT/linear/1/${noon}`,
    {},
    reading({ features }),
  )
  assert.partialDeepStrictEqual(body, { inputs: null })
})

test('a prediction made when it was is aged by the wall clock', async () => {
  const { body } = await ask('/api/v1/signals')
  assert.partialDeepStrictEqual(body, { items: [{ ageMs: 900 }] })
})

test('a slot whose version has said nothing yet is there, and empty', async () => {
  const silent = { coin: btc, family: 'linear', version: 2, slot: 'v3', newest: null } as const
  const { body } = await ask('/api/v1/signals', {}, reading({ signals: async () => [silent] }))
  const { newest: _, ...known } = silent
  assert.partialDeepStrictEqual(body, {
    items: [{ ...known, openAt: null, signal: null, ageMs: null }],
  })
})

const asked: readonly [string, Partial<PageQuery>, number?][] = [
  ['', { limit: 500 }, 60_000],
  ['?limit=10000', { limit: 10_000 }],
  ['?from=1795176000000&to=2026-11-20T13:00:00%2B01:00', { from: noon, to: noon }],
  ['?from=2026-11-20', { from: noon - 43_200_000 }],
  ['?interval=1h&cursor=abc', { cursor: 'abc' }, 3_600_000],
]
for (const [query, expected, interval] of asked) {
  test(`the store is asked for what ${query || 'nothing'} means`, async () => {
    const seen: { intervalMs: number; query: PageQuery }[] = []
    const candles: StoreReads['candles'] = async (_, intervalMs, query) => {
      seen.push({ intervalMs, query })
      return { items: [], next: null }
    }
    await ask(`/api/v1/coins/BTC-USDT/candles${query}`, {}, reading({ candles }))
    assert.partialDeepStrictEqual(seen[0]?.query, expected)
    if (interval) assert.equal(seen[0]?.intervalMs, interval)
  })
}

const previews: readonly [string, readonly string[]][] = [
  ['', ['final']],
  ['?preview=true', ['open', 'final']],
  ['?preview=true&interval=5m', ['final']],
  ['?preview=true&cursor=x', ['final']],
  [`?preview=true&to=${noon + 60_000}`, ['final']],
]
for (const [query, states] of previews) {
  test(`candles${query} are ${states.join(' and ')}`, async () => {
    const { body } = await ask(`/api/v1/coins/BTC-USDT/candles${query}`)
    const found = itemsOf(body).map((item) => (item as { state: string }).state)
    assert.deepEqual(found, states)
  })
}

test('prices of an empty candle are null, and a number that is none never leaves', async () => {
  const empty = {
    ...candle,
    open: null,
    high: null,
    low: null,
    close: null,
    state: 'empty',
  } as const
  const candles = async () => ({ items: [empty], next: null })
  const { body } = await ask('/api/v1/coins/BTC-USDT/candles', {}, reading({ candles }))
  assert.partialDeepStrictEqual(body, { items: [{ close: null, state: 'empty' }] })
})

const unavailable = async () => {
  throw new Fault('store.unavailable', 'the database does not answer', { retryable: true })
}
const big = JSON.stringify({ coin: 'BTC/USDT', reason: 'x'.repeat(9 * 1024 * 1024) })
const add = { method: 'POST', headers: asOperator }

const problems: readonly [string, string, RequestInit, number, string, Partial<ApiDeps>?][] = [
  ['an unknown path', '/api/v1/nothing', {}, 404, 'route.unknown'],
  ['an unknown coin', '/api/v1/coins/XRP-USDT/candles', {}, 404, 'coin.unknown'],
  ['an unknown model', '/api/v1/models/BTC-USDT/linear/9', {}, 404, 'model.unknown'],
  ['an unknown swap', '/api/v1/swaps/1', {}, 404, 'swap.unknown'],
  [
    'a candle nobody answered',
    '/api/v1/predictions/BTC-USDT/linear/1/1',
    {},
    404,
    'prediction.unknown',
  ],
  ['a method that is not offered', '/api/v1/status', { method: 'PUT' }, 405, 'request.method'],
  ['a coin that is none', '/api/v1/coins/btc/candles', {}, 400, 'request.invalid'],
  ['a limit of nothing', '/api/v1/gaps?limit=0', {}, 400, 'request.invalid'],
  ['a limit too high', '/api/v1/gaps?limit=10001', {}, 400, 'request.invalid'],
  ['a limit in words', '/api/v1/gaps?limit=ten', {}, 400, 'request.invalid'],
  ['a time that is none', '/api/v1/gaps?from=yesterday', {}, 400, 'request.invalid'],
  ['a time out of reach', '/api/v1/gaps?to=820386195136723', {}, 400, 'request.invalid'],
  ['a day that is none', '/api/v1/gaps?from=2026-13-41', {}, 400, 'request.invalid'],
  ['a slot that is none', '/api/v1/predictions?slot=v4', {}, 400, 'request.invalid'],
  ['scores over the training range', '/api/v1/scores?mode=in_sample', {}, 400, 'request.invalid'],
  [
    'a cursor of nobody',
    '/api/v1/gaps?cursor=x',
    {},
    404,
    'query.cursor',
    reading({
      gaps: async () => {
        throw new Fault('query.cursor', 'this cursor does not belong to this list')
      },
    }),
  ],
  ['a slip in a filter', '/api/v1/predictions?famly=tst', {}, 400, 'request.invalid'],
  ['a parameter said twice', '/api/v1/gaps?limit=1&limit=2', {}, 400, 'request.invalid'],
  ['no token', '/api/v1/coins', { method: 'POST' }, 401, 'access.token'],
  [
    'a wrong token',
    '/api/v1/coins/BTC-USDT/pause',
    { method: 'POST', headers: { authorization: `Bearer ${token}x` } },
    401,
    'access.token',
  ],
  ['a name that is not ours', 'http://evil.example/api/v1/status', {}, 403, 'access.host'],
  [
    'a page elsewhere',
    '/api/v1/status',
    { headers: { origin: 'https://evil.example' } },
    403,
    'access.origin',
  ],
  [
    'a page without a home',
    '/api/v1/status',
    { headers: { origin: 'null' } },
    403,
    'access.origin',
  ],
  ['a body too large', '/api/v1/coins', { ...add, body: big }, 413, 'request.too_large'],
  [
    'a form',
    '/api/v1/coins',
    {
      method: 'POST',
      headers: { authorization: asOperator.authorization },
      body: new URLSearchParams({ coin: 'BTC/USDT' }),
    },
    415,
    'request.media_type',
  ],
  ['no JSON', '/api/v1/coins', { ...add, body: '{' }, 400, 'request.malformed'],
  ['another shape', '/api/v1/coins', { ...add, body: '{"coins":[]}' }, 400, 'request.invalid'],
  [
    'a coin that is followed already',
    '/api/v1/coins',
    { ...add, body: '{"coin":"BTC/USDT"}' },
    409,
    'coin.exists',
    {
      controls: {
        ...stubDeps().controls,
        addCoin: async () => {
          throw new Fault('coin.exists', 'BTC/USDT is followed already')
        },
      },
    },
  ],
  [
    'a store that is away',
    '/api/v1/gaps',
    {},
    503,
    'store.unavailable',
    reading({ gaps: unavailable }),
  ],
  [
    'a bug',
    '/api/v1/gaps',
    {},
    500,
    'internal.error',
    reading({
      gaps: async () => {
        throw new TypeError('password is hunter2')
      },
    }),
  ],
  [
    'reading without a token where it is guarded',
    '/api/v1/status',
    {},
    401,
    'access.token',
    { access: { token, allowedHosts: [], isReadingGuarded: true } },
  ],
]
for (const [what, path, init, status, code, more] of problems) {
  test(`${what} is answered with ${status} ${code}`, async () => {
    const answer = await ask(path, init, more)
    assert.equal(answer.status, status)
    assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/)
    const problem = problemSchema.parse(answer.body)
    assert.equal(problem.code, code)
    assert.equal(problem.status, status)
    assert.doesNotMatch(JSON.stringify(answer.body), /hunter2/)
  })
}

test('what broke is told to whoever keeps the log', async () => {
  const told: unknown[] = []
  const broken = new TypeError('x')
  await ask(
    '/api/v1/signals',
    {},
    {
      ...reading({ signals: () => Promise.reject(broken) }),
      broke: (error, route) => void told.push(error, route),
    },
  )
  assert.deepEqual(told, [broken, '/api/v1/signals'])
})

test('a problem says what may be done about it', async () => {
  assert.equal((await ask('/api/v1/status', { method: 'PUT' })).headers.get('allow'), 'GET, HEAD')
  const away = await ask('/api/v1/gaps', {}, reading({ gaps: unavailable }))
  assert.equal(away.headers.get('retry-after'), '1')
  const { headers } = await ask('/api/v1/coins', { method: 'POST' })
  assert.equal(headers.get('www-authenticate'), 'Bearer')
})

for (const host of ['localhost:8080', '127.0.0.1', '[::1]:1', 'Desk.example:8080']) {
  test(`the name ${host} is answered, as is a page from there`, async () => {
    const headers = { host, origin: `http://${host}` }
    const access = { token, allowedHosts: ['desk.example'], isReadingGuarded: false }
    assert.equal((await ask('/api/v1/status', { headers }, { access })).status, 200)
  })
}

test('requests are measured by route, never by what was asked for', async () => {
  const seen: string[] = []
  const metrics: ApiDeps['metrics'] = {
    ...stubDeps().metrics,
    observe: (route, method, status) => void seen.push(`${method} ${route} ${status}`),
  }
  const app = createApp(stubDeps({ metrics }))
  await app.request('/api/v1/coins/BTC-USDT/candles?limit=3')
  await app.request('/secret/path')
  await app.request('/api/v1/gaps?limit=x')
  await app.request('/api/v1/coins', { method: 'POST' })
  assert.deepEqual(seen, [
    'GET /api/v1/coins/:coin/candles 200',
    'GET none 404',
    'GET /api/v1/gaps 400',
    'POST /api/v1/coins 401',
  ])
})
