/** Instants, intervals and clocks. Every instant in Starling is a whole number of milliseconds in UTC; every interval is half-open. */
import { asyncScheduler, type SchedulerLike } from 'rxjs'

/** Milliseconds since the epoch, or a length in milliseconds where the name says so. */
export type Millis = number

/** Time as an argument: an RxJS scheduler, so an operator's timer and an actor's timer agree and a test owns both. */
export type Clock = SchedulerLike

/** The machine's own clock: leases, backoff, deadlines, waits. Market time comes with the feed instead. */
export const wallClock: Clock = asyncScheduler

/** Settles after so long on that clock. */
export function wait(clock: Clock, ms: Millis): Promise<void> {
  return new Promise((resolve) => void clock.schedule(() => resolve(), ms))
}

export const minuteMs: Millis = 60_000
export const hourMs: Millis = 3_600_000
export const dayMs: Millis = 86_400_000

const unitMs: Readonly<Record<string, Millis>> = {
  ms: 1,
  s: 1000,
  m: minuteMs,
  h: hourMs,
  d: dayMs,
  y: 365 * dayMs,
}

/** `15m` → 900000; undefined when the text is not a duration. */
export function parseDuration(text: string): Millis | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|y)$/.exec(text)
  const unit = match && unitMs[match[2] as string]
  return match && unit ? Number(match[1]) * unit : undefined
}

/** In the largest unit that leaves a whole number: 300000 → `5m`. */
export function durationText(ms: Millis): string {
  const units: readonly (readonly [string, Millis])[] = [
    ['y', 365 * dayMs],
    ['d', dayMs],
    ['h', hourMs],
    ['m', minuteMs],
    ['s', 1000],
  ]
  const unit = units.find(([, length]) => ms >= length && ms % length === 0)
  return unit ? `${ms / unit[1]}${unit[0]}` : `${ms}ms`
}

export function floorTo(at: Millis, intervalMs: Millis): Millis {
  return at - (((at % intervalMs) + intervalMs) % intervalMs)
}

export function iso(at: Millis): string {
  return new Date(at).toISOString()
}

/** For people: `2026-11-20T12:00:00.000Z` → `2026-11-20 12:00`. */
export function minuteText(instant: string): string {
  return instant.slice(0, 16).replace('T', ' ')
}
