import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createApp } from '../../../ops/api/app.ts'
import { serve } from '../../../ops/api/serve.ts'
import { startingApp } from '../../../ops/api/starting.ts'
import { Fault } from '../../../streams/fault.ts'
import { stubDeps } from './stub.ts'

test('it answers on the port that the system chose', async (t) => {
  const served = await serve(createApp(stubDeps()), '127.0.0.1', 0)
  t.after(() => served.close(0))
  const answer = await fetch(`${served.address}/health/live`)
  assert.deepEqual(await answer.json(), { live: true })
})

test('a port in use is named, with what to do', async (t) => {
  const first = await serve(createApp(stubDeps()), '127.0.0.1', 0)
  t.after(() => first.close(0))
  await assert.rejects(serve(createApp(stubDeps()), '127.0.0.1', first.port), (error) => {
    assert(error instanceof Fault)
    assert.equal(error.code, 'api.port_in_use')
    const message = `port ${first.port} on 127.0.0.1 is in use: choose another with --port`
    assert.equal(error.message, message)
    return true
  })
})

test('an address that is not ours is named', async () => {
  await assert.rejects(serve(createApp(stubDeps()), '192.0.2.1', 0), /no address 192\.0\.2\.1/)
})

test('before there is anything to answer with it says what it waits for', async (t) => {
  const served = await serve(
    startingApp(() => 'looking for a live market'),
    '127.0.0.1',
    0,
  )
  t.after(() => served.close(0))
  const read = async (path: string) => {
    const answer = await fetch(served.address + path)
    return { status: answer.status, ...((await answer.json()) as { code?: string }) }
  }
  assert.deepEqual(await read('/health/live'), { status: 200, live: true })
  const why = 'looking for a live market'
  assert.deepEqual(await read('/health/ready'), { status: 503, ready: false, why })
  const { status, code } = await read('/api/v1/status')
  assert.deepEqual([status, code], [503, 'daemon.starting'])
  served.turnTo(createApp(stubDeps()))
  assert.equal((await read('/api/v1/status')).status, 200)
})

test('closing ends those who watch', async () => {
  const deps = stubDeps()
  const served = await serve(createApp(deps), '127.0.0.1', 0)
  const watching = await fetch(`${served.address}/api/v1/events`)
  const reader = (watching.body as ReadableStream<Uint8Array>).getReader()
  await reader.read()
  deps.events.close()
  await served.close(1000)
  while (!(await reader.read()).done);
})
