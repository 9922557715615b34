/** The coins that are followed, and how each of them is. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { answers } from '../answers.ts'
import type { ApiDeps, CoinRead } from '../deps.ts'
import { coinText, instant, isoOrNull } from '../fields.ts'

const coinSchema = z
  .strictObject({
    coin: coinText,
    source: z.string(),
    state: z.string(),
    lastTradeAt: instant.nullable(),
    lastCandleAt: instant.nullable(),
    candles: z.int().openapi({
      description:
        'closed ones that are stored, with those of stretches inside a month that never were',
    }),
    gaps: z.int(),
    stalenessMs: z.number().nullable(),
  })
  .openapi('Coin')

export const coinsSchema = z.array(coinSchema)

const route = createRoute({
  method: 'get',
  path: '/api/v1/coins',
  summary: 'The coins that are followed',
  responses: answers(coinsSchema, 'every coin'),
})

export function coinsRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(route, async (c) => c.json((await deps.coins()).map(coinBody), 200))
}

export function coinBody(coin: CoinRead): z.infer<typeof coinSchema> {
  return {
    coin: coin.coin,
    source: coin.source,
    state: coin.state,
    lastTradeAt: isoOrNull(coin.lastTradeAt),
    lastCandleAt: isoOrNull(coin.lastCandleAt),
    candles: coin.candles,
    gaps: coin.gaps,
    stalenessMs: coin.stalenessMs,
  }
}
