import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { delayMs, parseRetryAfter, reconnectBackoff } from '../../../streams/feeds/reconnect.ts'

test('the ceiling doubles from 200 ms to 30 s, and chance picks below it', () => {
  const longest = [0, 1, 2, 3, 7, 8, 50].map((n) => delayMs(reconnectBackoff, n, () => 1))
  assert.deepEqual(longest, [200, 400, 800, 1600, 25_600, 30_000, 30_000])
  assert.equal(
    delayMs(reconnectBackoff, 8, () => 0),
    0,
  )
})

test('no delay is shorter than what the exchange asked for, up to ten minutes', () => {
  fc.assert(
    fc.property(
      fc.nat(100),
      fc.nat(2_000_000),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (n, asked, chance) => {
        const delay = delayMs(reconnectBackoff, n, () => chance, asked)
        assert.ok(delay >= Math.min(asked, 600_000) && delay <= 630_000)
      },
    ),
  )
})

test('Retry-After is a number of seconds or a date', () => {
  const now = Date.UTC(2026, 0, 1)
  const cases: [string | undefined, number | undefined][] = [
    ['2', 2000],
    ['0', 0],
    ['1.5', 1500],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ]
  for (const [text, ms] of cases) assert.equal(parseRetryAfter(text, now), ms, String(text))
})
