import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { VirtualTimeScheduler } from 'rxjs'
import { createApp } from '../../../ops/api/app.ts'
import type { ApiDeps } from '../../../ops/api/deps.ts'
import { createEventHub } from '../../../ops/api/event-hub.ts'
import { tell } from '../../../streams/channels.ts'
import { noon, stubDeps, stubReads } from './stub.ts'

function world(t: TestContext, more: Partial<ApiDeps> = {}) {
  const clock = new VirtualTimeScheduler()
  const events = createEventHub('life', clock)
  t.after(events.close)
  const app = createApp(stubDeps({ events, ...more }))
  const pass = (ms: number): void => {
    clock.maxFrames += ms
    clock.flush()
  }
  clock.maxFrames = 0
  return { app, events, pass }
}

interface Sent {
  readonly id: string | undefined
  readonly event: string | undefined
  readonly data: unknown
  readonly comment: boolean
}

/** Reads one event after the other; `undefined` at the end. */
async function reader(t: TestContext, app: ReturnType<typeof createApp>, lastEventId?: string) {
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
  const answer = await app.request('/api/v1/events', { headers })
  assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  const stream = (answer.body as ReadableStream<Uint8Array>).getReader()
  t.after(() => stream.cancel().catch(() => {}))
  let text = ''
  const next = async (): Promise<Sent | undefined> => {
    while (!text.includes('\n\n')) {
      const { done, value } = await stream.read()
      if (done) return undefined
      text += new TextDecoder().decode(value)
    }
    const end = text.indexOf('\n\n')
    const block = text.slice(0, end)
    text = text.slice(end + 2)
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
    if (field('retry') !== undefined) return next()
    const data = field('data')
    return {
      id: field('id'),
      event: field('event'),
      data: data === undefined ? undefined : JSON.parse(data),
      comment: block.startsWith(':'),
    }
  }
  return { next, cancel: () => stream.cancel() }
}

function closeCandle(openAt: number): void {
  const bar = { open: 1, high: 2, low: 1, close: 2, volume: 3, trades: Number.NaN }
  const about = { state: 'final', revision: 0, waitMs: 1 }
  tell('candle.closed', { coin: 'BTC/USDT', openAt, ...bar, ...about })
}

test('first the whole picture, then what happens, numbered', async (t) => {
  const { app } = world(t)
  const events = await reader(t, app)
  const snapshot = await events.next()
  assert.equal(snapshot?.event, 'snapshot')
  assert.deepEqual(Object.keys(snapshot?.data as object), ['status', 'coins', 'signals', 'tree'])
  closeCandle(noon)
  tell('gap.opened', { coin: 'BTC/USDT', from: noon, to: noon + 1, cause: 'silent' })
  assert.deepEqual(await events.next(), {
    id: 'life-1',
    event: 'candle',
    data: {
      ...{ coin: 'BTC/USDT', openAt: '2026-11-20T12:00:00.000Z', state: 'final', revision: 0 },
      ...{ open: 1, high: 2, low: 1, close: 2, volume: 3, trades: null },
    },
    comment: false,
  })
  assert.equal((await events.next())?.id, 'life-2')
})

test('that signals end is told of the version', async (t) => {
  const { app } = world(t)
  const events = await reader(t, app, 'life-0')
  const version = { coin: 'BTC/USDT', family: 'linear', version: 1 }
  tell('version.expired', { ...version, openAt: noon })
  assert.partialDeepStrictEqual(await events.next(), {
    event: 'model',
    data: { ...version, expiredFrom: '2026-11-20T12:00:00.000Z' },
  })
})

test('what happens while the picture is taken follows it', async (t) => {
  let show = (): void => {}
  const shown = new Promise<void>((resolve) => {
    show = resolve
  })
  const signals: typeof stubReads.signals = async () => {
    await shown
    return []
  }
  const { app } = world(t, { reads: { ...stubReads, signals } })
  const events = await reader(t, app)
  closeCandle(noon)
  show()
  assert.equal((await events.next())?.event, 'snapshot')
  assert.equal((await events.next())?.event, 'candle')
})

test('who was away goes on where it was', async (t) => {
  const { app } = world(t)
  for (let i = 0; i < 5; i++) closeCandle(noon + i)
  const events = await reader(t, app, 'life-3')
  assert.equal((await events.next())?.id, 'life-4')
  assert.equal((await events.next())?.id, 'life-5')
})

for (const id of ['life-1', 'otherlife-4999', 'life-9999', 'nonsense']) {
  test(`who was away too long, or never here, gets the picture again: ${id}`, async (t) => {
    const { app } = world(t)
    for (let i = 0; i < 5000; i++) closeCandle(noon + i)
    const events = await reader(t, app, id)
    assert.deepEqual((await events.next())?.event, 'snapshot')
  })
}

test('previews of one coin conflate, the newest is told', async (t) => {
  const { app, pass } = world(t)
  const events = await reader(t, app, 'life-0')
  for (let close = 1; close <= 9; close++) {
    const bar = { open: 1, high: 9, low: 1, close, volume: 1, trades: 1 }
    tell('candle.preview', { coin: 'BTC/USDT', openAt: noon, ...bar })
  }
  pass(250)
  const preview = await events.next()
  assert.partialDeepStrictEqual(preview, { id: 'life-1', event: 'preview', data: { close: 9 } })
})

test('a backfill is not told row by row', async (t) => {
  const { app } = world(t)
  const events = await reader(t, app, 'life-0')
  const row = {
    coin: 'BTC/USDT',
    family: 'linear',
    version: 1,
    openAt: noon,
    signal: 'buy',
    waitMs: 1,
    inferMs: 1,
  }
  tell('prediction.committed', { ...row, mode: 'backfill' })
  tell('prediction.committed', { ...row, mode: 'live' })
  assert.partialDeepStrictEqual(await events.next(), { id: 'life-1', data: { mode: 'live' } })
})

test('silence is filled with a comment', async (t) => {
  const { app, pass } = world(t)
  const events = await reader(t, app, 'life-0')
  pass(15_000)
  assert.equal((await events.next())?.comment, true)
  pass(15_000)
  assert.equal((await events.next())?.comment, true)
})

test('who leaves is forgotten', async (t) => {
  const { app, events: hub } = world(t)
  const events = await reader(t, app)
  await events.next()
  assert.equal(hub.readers(), 1)
  await events.cancel()
  assert.equal(hub.readers(), 0)
  closeCandle(noon)
})

test('who does not read is cut off, and the others go on', async (t) => {
  const { app, events: hub } = world(t)
  const slow = await reader(t, app, 'life-0')
  const quick = await reader(t, app, 'life-0')
  const megabyte = 'x'.repeat(1024 * 1024)
  for (let i = 1; i <= 8; i++) {
    hub.publish('article', megabyte)
    assert.equal((await quick.next())?.id, `life-${i}`)
  }
  assert.equal(hub.readers(), 1)
  await assert.rejects(async () => {
    while (await slow.next());
  }, /too slow/)
})

test('when the daemon leaves, the stream ends', async (t) => {
  const { app, events: hub } = world(t)
  const events = await reader(t, app, 'life-0')
  hub.close()
  assert.equal(await events.next(), undefined)
})

test('there is a limit to how many may watch', async (t) => {
  const { app } = world(t)
  for (let i = 0; i < 64; i++) await reader(t, app, 'life-0')
  const refused = await app.request('/api/v1/events')
  assert.equal(refused.status, 503)
  assert.equal(((await refused.json()) as { code: string }).code, 'events.too_many')
})

test('asking for the headers alone leaves nobody behind', async (t) => {
  const { app, events: hub } = world(t)
  const answer = await app.request('/api/v1/events', { method: 'HEAD' })
  assert.equal(answer.status, 200)
  assert.equal(hub.readers(), 0)
})
