/** Follows a daemon's event stream over a real socket. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { RunningDaemon } from './daemon.ts'

export interface Told {
  readonly id: string
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface Listener {
  readonly told: readonly Told[]
  readonly bytes: () => number
  readonly close: () => void
}

/** Follows until closed. */
export async function listen(
  t: TestContext,
  daemon: RunningDaemon,
  lastEventId?: string,
): Promise<Listener> {
  const stop = new AbortController()
  t.after(() => stop.abort())
  const response = await fetch(`${daemon.address}/api/v1/events`, {
    signal: stop.signal,
    headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
  })
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  const told: Told[] = []
  let bytes = 0
  const read = async (): Promise<void> => {
    let text = ''
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length
      text += new TextDecoder().decode(chunk)
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
        const [id, type, data] = [field('id'), field('event'), field('data')]
        if (id && type && data) told.push({ id, type, data: JSON.parse(data) })
      }
    }
  }
  // Ended by the test, or by the daemon with it.
  read().catch(() => {})
  return { told, bytes: () => bytes, close: () => stop.abort() }
}
