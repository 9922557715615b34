/** The values that requests and answers share, each with its OpenAPI description. */
import { z } from '@hono/zod-openapi'
import { isFamilyName } from '../../models/version.ts'
import { type Coin, coinFromPath } from '../../streams/coin.ts'
import { iso, type Millis } from '../../streams/time.ts'

/** In answers: ISO 8601, UTC, with milliseconds. */
export const instant = z
  .string()
  .openapi({ format: 'date-time', example: '2026-11-20T12:00:00.000Z' })

export function isoOrNull(at: Millis | null): string | null {
  return at === null ? null : iso(at)
}

/** The years 1 to 9999: beyond them ISO 8601 needs agreements that databases do not share. */
const firstInstant = Date.parse('0001-01-01T00:00:00.000Z')
const lastInstant = Date.parse('9999-12-31T23:59:59.999Z')

/** In requests: that, any other RFC 3339 instant, a date, or epoch milliseconds. */
export const askedInstant = z
  .string()
  .transform((text, context): Millis => {
    const at = /^-?\d{1,16}$/.test(text) ? Number(text) : parseIso(text)
    if (at >= firstInstant && at <= lastInstant) return at
    context.addIssue({
      code: 'custom',
      message: 'expected an ISO 8601 instant or epoch milliseconds',
    })
    return z.NEVER
  })
  .openapi({
    type: 'string',
    anyOf: [
      { type: 'string', format: 'date-time' },
      { type: 'string', format: 'date' },
      { type: 'string', pattern: '^[0-9]{1,14}$' },
    ],
  })

const isoForm = /^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2}))?$/

function parseIso(text: string): Millis {
  return isoForm.test(text) ? Date.parse(text.toUpperCase().replace(' ', 'T')) : Number.NaN
}

/** Unified, in answers and bodies. */
export const coinText = z.string().openapi({
  example: 'BTC/USDT',
  pattern: '^[A-Z0-9.]{1,20}/[A-Z0-9.]{1,20}(:[A-Z0-9.-]{1,30})?$',
})

function asCoin(text: string, context: z.RefinementCtx): Coin {
  const coin = coinFromPath(text)
  if (coin) return coin
  context.addIssue({ code: 'custom', message: 'expected a coin such as BTC-USDT' })
  return z.NEVER
}

/** As it stands in a path. */
export const coinInPath = z.string().transform(asCoin).openapi({
  type: 'string',
  example: 'BTC-USDT',
  pattern: '^[A-Z0-9]{1,20}-[A-Z0-9]{1,20}(:[A-Z0-9-]{1,30})?$',
})

/** In a query either form is understood. */
export const coinInQuery = z.string().transform(asCoin).openapi({
  type: 'string',
  example: 'BTC-USDT',
  pattern: '^[A-Z0-9]{1,20}[-/][A-Z0-9]{1,20}(:[A-Z0-9-]{1,30})?$',
})

export const family = z
  .string()
  .refine(isFamilyName, { error: 'expected a family name such as lightgbm' })
  .openapi({ type: 'string', example: 'linear', pattern: '^[a-z][a-z0-9_]{0,39}$' })

export const versionNumber = wholeText(1, 2_147_483_647)

/** A whole number as it stands in an address. */
export function wholeText(min: number, max: number) {
  const message = `expected a whole number from ${min} to ${max}`
  return z
    .string()
    .regex(/^\d{1,10}$/, { error: message })
    .transform(Number)
    .refine((n) => n >= min && n <= max, { error: message })
    .openapi({ type: 'integer', minimum: min, maximum: max, pattern: undefined as never })
}

export const slotName = z.enum(['v1', 'v2', 'v3'])
export const modeName = z.enum(['live', 'backfill', 'shadow', 'in_sample'])
export const signalName = z.enum(['buy', 'hold', 'sell'])

export const range = {
  from: askedInstant.optional(),
  to: askedInstant.optional(),
}

const limitDefault = 500
const limitMax = 10_000

export const paging = {
  limit: wholeText(1, limitMax)
    .optional()
    .transform((limit) => limit ?? limitDefault)
    .openapi({ type: 'integer', minimum: 1, maximum: limitMax, default: limitDefault }),
  cursor: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .openapi({ description: 'the `next` of the page before' }),
}

export function pageOf<T extends z.ZodType>(item: T) {
  return z.strictObject({
    items: z.array(item),
    next: z.string().nullable().openapi({ description: 'null: there is no more' }),
  })
}
