/** Which versions there are and how they came to where they stand: their lives, and every swap with its journal. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { type Version, versionName } from '../../../models/version.ts'
import { Fault } from '../../../streams/fault.ts'
import { iso } from '../../../streams/time.ts'
import { type Swap, stages, type Transition } from '../../../supervisor/fleet/lane-journal.ts'
import { pageWithin } from '../../store/reads/page.ts'
import type { ModelRead, Tenure } from '../../store/reads/reads.ts'
import { answers } from '../answers.ts'
import type { ApiDeps } from '../deps.ts'
import {
  coinInPath,
  coinText,
  family,
  instant,
  isoOrNull,
  pageOf,
  paging,
  slotName,
  versionNumber,
} from '../fields.ts'
import { held, laneFilter } from './lanes.ts'

const modelFields = {
  coin: coinText,
  family: z.string(),
  version: z.int(),
  state: z.enum(stages),
  slots: z.array(slotName),
  sha256: z.string(),
  registeredAt: instant,
  backfilledTo: instant.nullable().openapi({ description: 'candles before it are predicted' }),
  verdict: z.unknown().openapi({ description: 'null: not judged' }),
  manifest: z.unknown(),
  metrics: z.unknown(),
}

const modelSchema = z.strictObject(modelFields).openapi('Model')

const entry = z.strictObject({
  at: instant,
  transition: z.string(),
  candleAt: instant
    .nullable()
    .openapi({ description: 'opening of the first candle that it is about, in market time' }),
  reason: z.string().nullable(),
})

const oneModelSchema = z
  .strictObject({ ...modelFields, journal: z.array(entry) })
  .openapi('ModelInFull')

export const swapSchema = z
  .strictObject({
    id: z.string(),
    coin: coinText,
    family: z.string(),
    kind: z.enum(['swap', 'rollback', 'fallback']),
    askedBy: z.enum(['registry', 'operator', 'fleet']),
    generation: z.int(),
    from: held,
    to: held,
    state: z.enum(['waiting', 'running', 'done', 'rejected', 'overtaken']),
    reason: z.string().nullable(),
    startedAt: instant,
    cutAt: instant
      .nullable()
      .openapi({ description: 'opening of the first candle that `to` answers' }),
    endedAt: instant.nullable(),
    verdict: z.unknown(),
    missed: z
      .int()
      .nullable()
      .openapi({ description: 'candles without an answer; null until it is over' }),
    twice: z.int().nullable(),
    longestWaitMs: z.number().nullable(),
    journal: z.array(
      z.strictObject({
        at: instant,
        version: z.int(),
        transition: z.enum(stages),
        candleAt: instant.nullable(),
        reason: z.string().nullable(),
      }),
    ),
  })
  .openapi('Swap')

const modelsRoute = createRoute({
  method: 'get',
  path: '/api/v1/models',
  summary: 'Every version',
  request: { query: laneFilter.extend(paging) },
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
  request: { query: laneFilter.extend(paging) },
  responses: answers(pageOf(swapSchema), 'swaps, newest first'),
})

const oneSwapRoute = createRoute({
  method: 'get',
  path: '/api/v1/swaps/{id}',
  summary: 'One swap, with its journal',
  request: { params: z.strictObject({ id: z.string().min(1).max(100) }) },
  responses: answers(swapSchema, 'the swap'),
})

export function versionRoutes(app: OpenAPIHono, { reads }: ApiDeps): void {
  app.openapi(modelsRoute, async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query')
    const { items, next } = pageWithin(
      await reads.models(defined(filter)),
      { limit, cursor },
      (it) => [-it.registeredAt, it.coin, it.family, it.version],
      ['number', 'string', 'string', 'number'],
    )
    return c.json({ items: items.map(modelBody), next }, 200)
  })
  app.openapi(oneModelRoute, async (c) => {
    const version = c.req.valid('param')
    const [model] = await reads.models(version)
    if (!model) throw new Fault('model.unknown', `there is no ${versionName(version)}`)
    const [tenures, journal] = await Promise.all([reads.tenures(version), reads.journal(version)])
    return c.json({ ...modelBody(model), journal: lifeOf(model, tenures, journal) }, 200)
  })
  app.openapi(swapsRoute, async (c) => {
    const { items, next } = await reads.swaps(c.req.valid('query'))
    return c.json({ items: items.map(swapBody), next }, 200)
  })
  app.openapi(oneSwapRoute, async (c) => {
    const { id } = c.req.valid('param')
    const swap = /^\d{1,9}$/.test(id) ? await reads.swap(Number(id)) : undefined
    if (!swap) throw new Fault('swap.unknown', `there is no swap ${id}`)
    return c.json(swapBody(swap), 200)
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
    backfilledTo: isoOrNull(model.backfilledTo),
    verdict: model.verdict,
    manifest: model.manifest,
    metrics: model.metrics,
  }
}

export function swapBody(swap: Swap): z.infer<typeof swapSchema> {
  return {
    id: String(swap.id),
    ...swap.lane,
    kind: swap.kind,
    askedBy: swap.askedBy,
    generation: swap.generation,
    from: swap.from?.version ?? null,
    to: swap.to.version,
    state: swap.state,
    reason: swap.reason,
    startedAt: iso(swap.startedAt),
    cutAt: isoOrNull(swap.cutAt),
    endedAt: isoOrNull(swap.endedAt),
    verdict: swap.renewed ?? swap.verdict,
    missed: swap.missed,
    twice: swap.twice,
    longestWaitMs: swap.longestWaitMs,
    journal: swap.transitions.map(({ at, version, stage, candleAt, reason }) => ({
      at: iso(at),
      version: version.version,
      transition: stage,
      candleAt: isoOrNull(candleAt),
      reason,
    })),
  }
}

/**
 * What was written of it and which slots it held, by the clock on the wall; a candle's opening is of the market's time. Of
 * a slot that no swap moved it is said when that was at the earliest.
 */
function lifeOf(
  { registeredAt }: ModelRead,
  tenures: readonly Tenure[],
  journal: readonly Transition[],
): z.infer<typeof entry>[] {
  const moves = tenures
    .flatMap(({ slot, from, until, enteredAt, leftAt }) => [
      { transition: `entered ${slot}`, candleAt: from, writtenAt: enteredAt },
      ...(until === null
        ? []
        : [{ transition: `left ${slot}`, candleAt: until, writtenAt: leftAt }]),
    ])
    .sort((a, b) => a.candleAt - b.candleAt)
  let earliest = registeredAt
  const moved = moves.map(({ writtenAt, ...move }) => {
    earliest = Math.max(earliest, writtenAt ?? earliest)
    return { ...move, at: earliest, reason: null }
  })
  const told = journal.map(({ stage, ...rest }) => ({ ...rest, transition: stage as string }))
  const registered = { at: registeredAt, transition: 'registered', candleAt: null, reason: null }
  return [registered, ...told, ...moved]
    .sort((a, b) => a.at - b.at)
    .map(({ at, transition, candleAt, reason }) => ({
      ...{ at: iso(at), transition, candleAt: isoOrNull(candleAt), reason },
    }))
}

/** Leaves out what was not asked, for callees that tell an absent key from an undefined one. */
function defined(filter: { [K in keyof Version]?: Version[K] | undefined }): Partial<Version> {
  const kept = Object.entries(filter).filter(([, value]) => value !== undefined)
  return Object.fromEntries(kept) as Partial<Version>
}
