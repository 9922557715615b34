/**
 * One reader's Server-Sent Events: what it missed, or else one `snapshot`; then deltas as they happen, and a comment every
 * 15 seconds so that both ends notice a dead connection. A reader that does not take what is offered is cut off when 4 MiB
 * wait for it: it comes back with `Last-Event-ID`, and nobody ever waits for it.
 */
import type { Delta, EventHub } from './event-hub.ts'

const waitingBytesMax = 4 * 1024 * 1024
/** Deltas that a reader's snapshot may take long enough for. */
const waitingMax = 2000
const heartbeatMs = 15_000
/** What a browser is told to wait before it comes back. */
const comeBackMs = 2000

/** `takeSnapshot` may be slow: deltas that happen meanwhile follow it. */
export function eventStream(
  hub: EventHub,
  lastEventId: string | undefined,
  takeSnapshot: () => Promise<unknown>,
): ReadableStream<Uint8Array> {
  let reader: Reader | undefined
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        reader = new Reader(hub, controller)
        return reader.welcome(lastEventId, takeSnapshot)
      },
      cancel: () => reader?.leave(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: waitingBytesMax }),
  )
}

function written({ id, type, data }: Delta): string {
  return `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`
}

class Reader {
  readonly #controller: ReadableStreamDefaultController<Uint8Array>
  readonly #hub: EventHub
  readonly #stops: (() => void)[]
  /** What happened before it was welcomed. */
  #waiting: Delta[] | undefined = []
  #isGone = false

  constructor(hub: EventHub, controller: ReadableStreamDefaultController<Uint8Array>) {
    this.#hub = hub
    this.#controller = controller
    const unsubscribe = hub.subscribe(
      (delta) => {
        if (!this.#waiting) this.#send(written(delta))
        else if (this.#waiting.push(delta) > waitingMax) this.#cut(new Error('no snapshot in time'))
      },
      () => this.#end(() => controller.close()),
    )
    const beating = hub.clock.schedule(() => this.#beat(), heartbeatMs)
    this.#stops = [unsubscribe, () => beating.unsubscribe()]
  }

  async welcome(
    lastEventId: string | undefined,
    takeSnapshot: () => Promise<unknown>,
  ): Promise<void> {
    this.#send(`retry: ${comeBackMs}\n\n`)
    const missed = lastEventId === undefined ? undefined : this.#hub.after(lastEventId)
    if (missed) for (const delta of missed) this.#send(written(delta))
    else await this.#show(takeSnapshot)
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const delta of waiting) this.#send(written(delta))
  }

  leave(): void {
    this.#isGone = true
    for (const stop of this.#stops.splice(0)) stop()
  }

  /** Numbered as of before it was taken: a delta that it contains already may follow, and says the same again. */
  async #show(takeSnapshot: () => Promise<unknown>): Promise<void> {
    const id = this.#hub.lastId()
    try {
      const snapshot = JSON.stringify(await takeSnapshot())
      this.#send(`id: ${id}\nevent: snapshot\ndata: ${snapshot}\n\n`)
    } catch (error) {
      this.#cut(error)
    }
  }

  #beat(): void {
    this.#send(': still here\n\n')
    if (this.#isGone) return
    const beating = this.#hub.clock.schedule(() => this.#beat(), heartbeatMs)
    this.#stops[1] = () => beating.unsubscribe()
  }

  #send(text: string): void {
    if (this.#isGone) return
    const isTooSlow = (this.#controller.desiredSize ?? 0) <= 0
    if (isTooSlow) this.#cut(new Error('the reader is too slow'))
    else this.#controller.enqueue(new TextEncoder().encode(text))
  }

  /** Drops what still waits for it. */
  #cut(why: unknown): void {
    this.#end(() => this.#controller.error(why))
  }

  #end(how: () => void): void {
    if (this.#isGone) return
    this.leave()
    how()
  }
}
