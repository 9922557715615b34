/** The audit: for every slot and closed candle one prediction or one hole with its reason. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { iso } from '../../../streams/time.ts'
import type { ContinuityRead } from '../../store/reads/reads.ts'
import { answers } from '../answers.ts'
import type { ApiDeps } from '../deps.ts'
import { coinText, instant, range, slotName } from '../fields.ts'

const continuitySchema = z
  .strictObject({
    from: instant,
    to: instant,
    unexplained: z.int(),
    duplicates: z.int(),
    lanes: z.array(
      z.strictObject({
        coin: coinText,
        family: z.string(),
        slot: slotName,
        candles: z.int(),
        predicted: z.int(),
        holes: z.int(),
        byReason: z.record(z.string(), z.int()),
      }),
    ),
  })
  .openapi('Continuity')

export type ContinuityBody = z.infer<typeof continuitySchema>

const route = createRoute({
  method: 'get',
  path: '/api/v1/continuity',
  summary: 'What every slot answered, and why it did not answer the rest',
  request: { query: z.strictObject(range) },
  responses: answers(continuitySchema, 'the audit'),
})

export function continuityRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(route, async (c) => {
    const { from, to } = c.req.valid('query')
    return c.json(continuityBody(await deps.reads.continuity(from, to)), 200)
  })
}

function continuityBody(audit: ContinuityRead): ContinuityBody {
  return {
    from: iso(audit.from),
    to: iso(audit.to),
    unexplained: audit.unexplained,
    duplicates: audit.duplicates,
    lanes: audit.lanes.map((lane) => ({
      coin: lane.coin,
      family: lane.family,
      slot: lane.slot,
      candles: lane.candles,
      predicted: lane.predicted,
      holes: lane.holes,
      byReason: { ...lane.byReason },
    })),
  }
}
