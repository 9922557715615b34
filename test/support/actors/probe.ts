/** A `Self` for calling behaviours directly: what they tell, schedule and follow is written down instead of done. */
import type { Observable } from 'rxjs'
import type { Self } from '../../../actors/protocol.ts'
import type { Millis } from '../../../streams/time.ts'
import { SimulatedClock } from '../simulated-clock.ts'

export interface Probe<M> {
  readonly self: Self<M>
  readonly clock: SimulatedClock
  /** What it told itself, by `tell`, `answers`, `pipe` and `follow`, in order. */
  readonly told: M[]
  readonly later: { readonly delayMs: Millis; readonly message: M }[]
  /** Settles when every promise that it piped has been told. */
  readonly piped: () => Promise<void>
  readonly crashes: unknown[]
  /** Its life is over. */
  readonly abort: () => void
}

export function probe<M>(path = 'probe', epoch = 1): Probe<M> {
  const clock = new SimulatedClock(1_000_000)
  const life = new AbortController()
  const told: M[] = []
  const later: { delayMs: Millis; message: M }[] = []
  const pending: Promise<void>[] = []
  const crashes: unknown[] = []
  const tell = (message: M): boolean => {
    told.push(message)
    return true
  }
  const self: Self<M> = {
    path,
    epoch,
    clock,
    signal: life.signal,
    tell,
    answers: { path, tell },
    after: (delayMs, message) => void later.push({ delayMs, message }),
    pipe: (promise, toMessage) => {
      pending.push(
        promise.then(
          (value) => void told.push(toMessage(value)),
          (error) => void crashes.push(error),
        ),
      )
    },
    follow: (stream: Observable<M>) =>
      void stream.subscribe({
        next: (message) => told.push(message),
        error: (error) => crashes.push(error),
      }),
    leave: () => {},
  }
  const piped = async (): Promise<void> => {
    while (pending.length > 0) await pending.shift()
  }
  return { self, clock, told, later, piped, crashes, abort: () => life.abort() }
}

/** An address that takes everything until told to be full. */
export function inbox<M>(): {
  readonly path: string
  readonly tell: (message: M) => boolean
  readonly taken: M[]
  isFull: boolean
} {
  const taken: M[] = []
  const box = {
    path: 'inbox',
    taken,
    isFull: false,
    tell: (message: M): boolean => {
      if (box.isFull) return false
      taken.push(message)
      return true
    },
  }
  return box
}
