/** Which versions are live, which ones there are, and how they came to where they stand. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import {
  type Pointer,
  type Slot,
  slots,
  type Version,
  versionName,
} from '../../../models/version.ts'
import { Fault } from '../../../streams/fault.ts'
import { iso } from '../../../streams/time.ts'
import type { ModelRead } from '../../store/reads.ts'
import { answers } from '../answers.ts'
import type { ApiDeps } from '../deps.ts'
import {
  coinInPath,
  coinInQuery,
  coinText,
  family,
  instant,
  pageOf,
  slotName,
  versionNumber,
} from '../fields.ts'

const held = z.int().nullable()

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

const modelFields = {
  coin: coinText,
  family: z.string(),
  version: z.int(),
  state: z.enum(['serving', 'shadowing', 'archived', 'announced', 'rejected', 'quarantined']),
  slots: z.array(slotName),
  sha256: z.string(),
  registeredAt: instant,
  manifest: z.unknown(),
  metrics: z.unknown(),
}

const modelSchema = z.strictObject(modelFields).openapi('Model')

const oneModelSchema = z
  .strictObject({
    ...modelFields,
    verdict: z.unknown().openapi({ description: 'null: not judged' }),
    journal: z.array(
      z.strictObject({ at: instant, transition: z.string(), reason: z.string().nullable() }),
    ),
  })
  .openapi('ModelInFull')

const swapSchema = z
  .strictObject({
    id: z.string(),
    coin: coinText,
    family: z.string(),
    from: held,
    to: held,
    cutAt: instant.nullable(),
    state: z.string(),
    missed: z.int(),
    twice: z.int(),
    longestWaitMs: z.number().nullable(),
    journal: z.array(
      z.strictObject({ at: instant, transition: z.string(), reason: z.string().nullable() }),
    ),
  })
  .openapi('Swap')

const laneFilter = z.strictObject({ coin: coinInQuery.optional(), family: family.optional() })

const lanesRoute = createRoute({
  method: 'get',
  path: '/api/v1/lanes',
  summary: 'Coin × family, with the versions in their slots',
  request: { query: laneFilter },
  responses: answers(pageOf(laneSchema), 'every lane'),
})

const modelsRoute = createRoute({
  method: 'get',
  path: '/api/v1/models',
  summary: 'Every version',
  request: { query: laneFilter },
  responses: answers(pageOf(modelSchema), 'versions, newest first'),
})

const oneModelRoute = createRoute({
  method: 'get',
  path: '/api/v1/models/{coin}/{family}/{version}',
  summary: "A version's life",
  request: { params: z.strictObject({ coin: coinInPath, family, version: versionNumber }) },
  responses: answers(oneModelSchema, 'the version'),
})

const swapsRoute = createRoute({
  method: 'get',
  path: '/api/v1/swaps',
  summary: 'Changes of slots',
  request: { query: laneFilter },
  responses: answers(pageOf(swapSchema), 'swaps, newest first'),
})

const oneSwapRoute = createRoute({
  method: 'get',
  path: '/api/v1/swaps/{id}',
  summary: 'One swap, with its journal',
  request: { params: z.strictObject({ id: z.string().min(1).max(100) }) },
  responses: answers(swapSchema, 'the swap'),
})

export function laneRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(lanesRoute, async (c) => {
    const { coin, family } = c.req.valid('query')
    const isAsked = (version: Version): boolean =>
      (coin === undefined || version.coin === coin) &&
      (family === undefined || version.family === family)
    const pointers = (await deps.reads.pointers()).filter(isAsked)
    const models = (await deps.reads.models()).filter(isAsked)
    return c.json({ items: lanesOf(pointers, models, deps.laneState), next: null }, 200)
  })
  app.openapi(modelsRoute, async (c) => {
    const models = await deps.reads.models(defined(c.req.valid('query')))
    const newestFirst = [...models].sort((a, b) => b.registeredAt - a.registeredAt)
    return c.json({ items: newestFirst.map(modelBody), next: null }, 200)
  })
  app.openapi(oneModelRoute, async (c) => {
    const version = c.req.valid('param')
    const [model] = await deps.reads.models(version)
    if (!model) throw new Fault('model.unknown', `there is no ${versionName(version)}`)
    const pointers = await deps.reads.pointers(version)
    return c.json({ ...modelBody(model), verdict: null, journal: journalOf(model, pointers) }, 200)
  })
  app.openapi(swapsRoute, async (c) => c.json({ items: [], next: null }, 200))
  app.openapi(oneSwapRoute, (c) => {
    const { id } = c.req.valid('param')
    throw new Fault('swap.unknown', `there is no swap ${id}`)
  })
}

function lanesOf(
  pointers: readonly Pointer[],
  models: readonly ModelRead[],
  stateOf: ApiDeps['laneState'],
): z.infer<typeof laneSchema>[] {
  const lanes = new Map([...pointers, ...models].map((one) => [`${one.coin} ${one.family}`, one]))
  return [...lanes.values()].map(({ coin, family }) => {
    const isHere = (one: Version): boolean => one.coin === coin && one.family === family
    const holds = (slot: Slot): number | null =>
      pointers.find((one) => isHere(one) && one.slot === slot && one.until === null)?.version ??
      null
    const archived = models.filter((one) => isHere(one) && one.state === 'archived')
    const [v1, v2, v3] = slots.map(holds) as [number | null, number | null, number | null]
    return {
      coin,
      family,
      state: stateOf(coin, family),
      slots: { v1, v2, v3 },
      archived: archived.map((one) => one.version).sort((a, b) => b - a),
      desired: v3 ?? v2 ?? v1,
      swapping: null,
    }
  })
}

function modelBody(model: ModelRead): z.infer<typeof modelSchema> {
  return {
    coin: model.coin,
    family: model.family,
    version: model.version,
    state: model.state,
    slots: [...model.slots],
    sha256: model.sha256,
    registeredAt: iso(model.registeredAt),
    manifest: model.manifest,
    metrics: model.metrics,
  }
}

/** From when on it was known, and which slots it held from which candle on. */
function journalOf(model: ModelRead, pointers: readonly Pointer[]) {
  const entered = pointers
    .filter((pointer) => pointer.version === model.version)
    .flatMap((pointer) => [
      { at: pointer.from, transition: `entered ${pointer.slot}` },
      ...(pointer.until === null
        ? []
        : [{ at: pointer.until, transition: `left ${pointer.slot}` }]),
    ])
    .sort((a, b) => a.at - b.at)
  return [{ at: model.registeredAt, transition: 'registered' }, ...entered].map(
    ({ at, transition }) => ({ at: iso(at), transition, reason: null }),
  )
}

/** Leaves out what was not asked, for callees that tell an absent key from an undefined one. */
function defined<T extends object>(filter: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const kept = Object.entries(filter).filter(([, value]) => value !== undefined)
  return Object.fromEntries(kept) as { [K in keyof T]?: NonNullable<T[K]> }
}
