/** Lanes, with the versions in their slots: as they were changed last, which may be for a candle to come. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { type Pointer, type Slot, slots, type Version } from '../../../models/version.ts'
import { pageWithin } from '../../store/reads/page.ts'
import type { ModelRead } from '../../store/reads/reads.ts'
import { answers } from '../answers.ts'
import type { ApiDeps } from '../deps.ts'
import { coinInQuery, coinText, family, pageOf, paging } from '../fields.ts'

export const held = z.int().nullable()

const laneSchema = z
  .strictObject({
    coin: coinText,
    family: z.string(),
    state: z.string().nullable().openapi({ description: "of its actors, in the tree's words" }),
    slots: z.strictObject({ v1: held, v2: held, v3: held }),
    archived: z.array(z.int()),
    desired: held.openapi({ description: 'the version that is wanted newest' }),
    swapping: z.string().nullable().openapi({ description: 'the swap under way' }),
  })
  .openapi('Lane')

export const laneFilter = z.strictObject({
  coin: coinInQuery.optional(),
  family: family.optional(),
})

const lanesRoute = createRoute({
  method: 'get',
  path: '/api/v1/lanes',
  summary: 'Coin × family, with the versions in their slots',
  request: { query: laneFilter.extend(paging) },
  responses: answers(pageOf(laneSchema), 'lanes by coin and family'),
})

export function laneRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(lanesRoute, async (c) => {
    const { coin, family, ...query } = c.req.valid('query')
    const isAsked = (version: Version): boolean =>
      (coin === undefined || version.coin === coin) &&
      (family === undefined || version.family === family)
    const pointers = (await deps.reads.pointers()).filter(isAsked)
    const models = (await deps.reads.models()).filter(isAsked)
    const wishes = await deps.reads.wishes()
    const { items, next } = pageWithin(
      lanesOf(pointers, models, wishes, deps.laneState),
      query,
      (lane) => [lane.coin, lane.family],
      ['string', 'string'],
    )
    return c.json({ items: [...items], next }, 200)
  })
}

function lanesOf(
  pointers: readonly Pointer[],
  models: readonly ModelRead[],
  wishes: Awaited<ReturnType<ApiDeps['reads']['wishes']>>,
  stateOf: ApiDeps['laneState'],
): z.infer<typeof laneSchema>[] {
  const lanes = new Map([...pointers, ...models].map((one) => [`${one.coin} ${one.family}`, one]))
  return [...lanes.values()].map(({ coin, family }) => {
    const isHere = (one: Version): boolean => one.coin === coin && one.family === family
    const holds = (slot: Slot): number | null =>
      pointers.find((one) => isHere(one) && one.slot === slot && one.until === null)?.version ??
      null
    const wish = wishes.find((one) => one.coin === coin && one.family === family)
    const archived = models.filter((one) => isHere(one) && one.state === 'archived')
    const [v1, v2, v3] = slots.map(holds) as [number | null, number | null, number | null]
    return {
      coin,
      family,
      state: stateOf(coin, family),
      slots: { v1, v2, v3 },
      archived: archived.map((one) => one.version).sort((a, b) => b - a),
      desired: wish?.desired ?? v3 ?? v2 ?? v1,
      swapping: wish?.swapping == null ? null : String(wish.swapping),
    }
  })
}
