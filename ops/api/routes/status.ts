/** How the daemon is, in short: what a person looks at first. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { iso } from '../../../streams/time.ts'
import { answers } from '../answers.ts'
import type { ApiDeps, StatusRead } from '../deps.ts'
import { instant, isoOrNull } from '../fields.ts'

export const statusSchema = z
  .strictObject({
    version: z.string(),
    mode: z.enum(['live', 'tape']),
    source: z.string(),
    reason: z.string(),
    startedAt: instant,
    firstPredictionAt: instant.nullable(),
    health: z.enum(['starting', 'ready', 'degraded']),
    degraded: z.array(z.string()),
    coins: z.int(),
    lanes: z.int(),
    models: z.int(),
    predictions: z.int(),
    gaps: z.strictObject({ open: z.int(), unhealable: z.int() }),
    continuity: z.strictObject({ unexplained: z.int(), duplicates: z.int(), holes: z.int() }),
  })
  .openapi('Status')

export type StatusBody = z.infer<typeof statusSchema>

const route = createRoute({
  method: 'get',
  path: '/api/v1/status',
  summary: 'Is it well',
  responses: answers(statusSchema, 'the daemon in short'),
})

export function statusRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(route, async (c) => c.json(statusBody(await deps.status()), 200))
}

export function statusBody(status: StatusRead): StatusBody {
  return {
    version: status.version,
    mode: status.mode,
    source: status.source,
    reason: status.reason,
    startedAt: iso(status.startedAt),
    firstPredictionAt: isoOrNull(status.firstPredictionAt),
    health: status.health,
    degraded: [...status.degraded],
    coins: status.coins,
    lanes: status.lanes,
    models: status.models,
    predictions: status.predictions,
    gaps: { ...status.gaps },
    continuity: { ...status.continuity },
  }
}
