/** What the market did: candles, the features computed from them, and the stretches that are missing. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { candleStates } from '../../../streams/candles/candle.ts'
import type { Coin } from '../../../streams/coin.ts'
import { Fault } from '../../../streams/fault.ts'
import { dayMs, durationText, hourMs, iso, type Millis, minuteMs } from '../../../streams/time.ts'
import type { CandleRead } from '../../store/reads/reads.ts'
import { answers } from '../answers.ts'
import type { ApiDeps, PreviewRead } from '../deps.ts'
import {
  coinInPath,
  coinInQuery,
  coinText,
  instant,
  isoOrNull,
  pageOf,
  paging,
  range,
} from '../fields.ts'

const price = z.number().nullable()

const candleSchema = z
  .strictObject({
    openAt: instant,
    open: price,
    high: price,
    low: price,
    close: price,
    volume: z.number(),
    trades: z.number().nullable(),
    state: z.enum([...candleStates, 'open']),
    revision: z.int(),
    flags: z.array(z.string()),
  })
  .openapi('Candle')

const rollUps: readonly Millis[] = [5 * minuteMs, 15 * minuteMs, hourMs, dayMs]

/** The base interval and the roll-ups that it fills evenly. */
function intervalsOver(baseMs: Millis): readonly Millis[] {
  return [baseMs, ...rollUps.filter((ms) => ms > baseMs && ms % baseMs === 0)]
}

function candlesRoute(baseMs: Millis) {
  const byName = new Map(intervalsOver(baseMs).map((ms) => [durationText(ms), ms]))
  const names = [...byName.keys()] as [string, ...string[]]
  return createRoute({
    method: 'get',
    path: '/api/v1/coins/{coin}/candles',
    summary: 'Candles of a coin',
    request: {
      params: z.strictObject({ coin: coinInPath }),
      query: z.strictObject({
        interval: z
          .enum(names)
          .optional()
          .transform((name) => byName.get(name ?? '') ?? baseMs)
          .openapi({ type: 'string', enum: names, default: names[0] }),
        preview: z
          .enum(['true', 'false'])
          .optional()
          .transform((text) => text === 'true')
          .openapi({
            type: 'boolean',
            enum: undefined as never,
            default: false,
            description: 'the candle that is still open comes first, marked so',
          }),
        ...range,
        ...paging,
      }),
    },
    responses: answers(pageOf(candleSchema), 'candles, newest first'),
  })
}

const featuresRoute = createRoute({
  method: 'get',
  path: '/api/v1/coins/{coin}/features',
  summary: 'What models saw at each candle',
  request: {
    params: z.strictObject({ coin: coinInPath }),
    query: z.strictObject({ ...range, ...paging }),
  },
  responses: answers(
    pageOf(
      z
        .strictObject({
          openAt: instant,
          hash: z.string(),
          flags: z.array(z.string()),
          values: z.record(z.string(), z.number().nullable()),
        })
        .openapi('FeatureRow'),
    ),
    'feature rows, newest first',
  ),
})

const gapsRoute = createRoute({
  method: 'get',
  path: '/api/v1/gaps',
  summary: 'Stretches of missing data',
  request: {
    query: z.strictObject({ coin: coinInQuery.optional(), ...range, ...paging }),
  },
  responses: answers(
    pageOf(
      z
        .strictObject({
          coin: coinText,
          from: instant,
          to: instant,
          cause: z.string(),
          healedAt: instant.nullable(),
          unhealableAt: instant.nullable(),
        })
        .openapi('Gap'),
    ),
    'gaps, newest first',
  ),
})

export function marketRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(candlesRoute(deps.intervalMs), async (c) => {
    const { coin } = c.req.valid('param')
    const { interval, preview, ...query } = c.req.valid('query')
    await requireCoin(deps, coin)
    const page = await deps.reads.candles(coin, interval, query)
    const items = page.items.map(candleBody)
    const open = preview && interval === deps.intervalMs ? deps.preview(coin) : undefined
    const isOpenWanted = open && query.cursor === undefined && isWithin(open.openAt, query)
    return c.json(
      { items: isOpenWanted ? [openBody(open), ...items] : items, next: page.next },
      200,
    )
  })
  app.openapi(featuresRoute, async (c) => {
    const { coin } = c.req.valid('param')
    await requireCoin(deps, coin)
    const page = await deps.reads.features(coin, c.req.valid('query'))
    const items = page.items.map((row) => ({
      openAt: iso(row.openAt),
      hash: row.hash,
      flags: [...row.flags],
      values: { ...row.values },
    }))
    return c.json({ items, next: page.next }, 200)
  })
  app.openapi(gapsRoute, async (c) => {
    const page = await deps.reads.gaps(c.req.valid('query'))
    const items = page.items.map((gap) => ({
      coin: gap.coin as string,
      from: iso(gap.from),
      to: iso(gap.to),
      cause: gap.cause,
      healedAt: isoOrNull(gap.healedAt),
      unhealableAt: isoOrNull(gap.unhealableAt),
    }))
    return c.json({ items, next: page.next }, 200)
  })
}

/** A coin is known while it is followed, and afterwards as long as there is something to show of it. */
async function requireCoin(deps: ApiDeps, coin: Coin): Promise<void> {
  if (await deps.reads.hasCandles(coin)) return
  if ((await deps.coins()).some((followed) => followed.coin === coin)) return
  throw new Fault('coin.unknown', `${coin} is not followed here`)
}

function isWithin(
  at: Millis,
  { from, to }: { readonly from?: Millis | undefined; readonly to?: Millis | undefined },
): boolean {
  return at >= (from ?? Number.NEGATIVE_INFINITY) && at < (to ?? Number.POSITIVE_INFINITY)
}

function candleBody(candle: CandleRead): z.infer<typeof candleSchema> {
  return {
    openAt: iso(candle.openAt),
    open: candle.open,
    high: candle.high,
    low: candle.low,
    close: candle.close,
    volume: candle.volume,
    trades: candle.trades,
    state: candle.state,
    revision: candle.revision,
    flags: [...candle.flags],
  }
}

function openBody(open: PreviewRead): z.infer<typeof candleSchema> {
  return {
    ...candleBody({ ...open, state: 'final', revision: 0, flags: ['preview'] }),
    state: 'open',
  }
}
