/** The kinds of value a configuration holds. Each says what it expects in words, for whoever wrote something else. */
import { z } from 'zod'
import { parseCoin } from '../../streams/coin.ts'
import { durationText, hourMs, parseDuration } from '../../streams/time.ts'

const durationWords = 'a duration such as 15m, 12h or 5d'

/** Text outside, milliseconds inside. */
export const duration = z.codec(
  z.string({ error: durationWords }).regex(/^\d+(\.\d+)?(ms|s|m|h|d|y)$/, { error: durationWords }),
  z.number(),
  { decode: (text) => parseDuration(text) ?? Number.NaN, encode: durationText },
)

/** Features roll candles up to hours. */
const intervalWords = 'an interval that divides an hour evenly, such as 1m or 5m'

export const interval = duration.refine((ms) => ms >= 1000 && hourMs % ms === 0, {
  error: intervalWords,
  abort: true, // What is measured in intervals cannot be judged then.
})

const coinWords = 'a coin such as BTC/USDT, or a derivative such as BTC/USDT:USDT'

export const coin = z.codec(
  z.string({ error: coinWords }).refine((text) => parseCoin(text) !== undefined, {
    error: coinWords,
  }),
  z.custom<NonNullable<ReturnType<typeof parseCoin>>>(() => true),
  {
    decode: (text) => parseCoin(text) as NonNullable<ReturnType<typeof parseCoin>>,
    encode: String,
  },
)

export function whole(min: number, max: number) {
  const error = `a whole number from ${min} to ${max}`
  return z.int({ error }).min(min, { error }).max(max, { error })
}

export function between(min: number, max: number) {
  const error = `a number from ${min} to ${max}`
  return z.number({ error }).min(min, { error }).max(max, { error })
}

export function text(words: string, pattern: RegExp = /^\S.*$/) {
  return z.string({ error: words }).regex(pattern, { error: words })
}

export function oneOf<const T extends readonly string[]>(options: T) {
  return z.enum(options, { error: `one of ${options.join(', ')}` })
}

/** `null` or an address with one of the given schemes. */
export function url(schemes: readonly string[]) {
  const words = `null or an address that starts with ${schemes.map((s) => `${s}://`).join(' or ')}`
  const pattern = new RegExp(`^(${schemes.join('|')})://\\S+$`)
  return z.string({ error: words }).regex(pattern, { error: words }).nullable()
}
