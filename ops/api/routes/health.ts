/** For whoever keeps the daemon running: is it alive, is it ready, what does it measure. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { answers } from '../answers.ts'
import type { ApiDeps } from '../deps.ts'

const readySchema = z.strictObject({ ready: z.boolean(), why: z.string().nullable() })

const liveRoute = createRoute({
  method: 'get',
  path: '/health/live',
  summary: 'Does it answer at all',
  responses: answers(z.strictObject({ live: z.boolean() }), 'it does'),
})

const readyRoute = createRoute({
  method: 'get',
  path: '/health/ready',
  summary: 'Is every part at work',
  responses: {
    ...answers(readySchema, 'it is'),
    503: {
      description: 'not yet, or not now',
      content: { 'application/json': { schema: readySchema } },
    },
  },
})

const metricsRoute = createRoute({
  method: 'get',
  path: '/metrics',
  summary: "Prometheus's page",
  responses: {
    200: { description: 'metrics', content: { 'text/plain': { schema: z.string() } } },
    403: { description: 'a host or origin that is not allowed' },
  },
})

export function healthRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(liveRoute, (c) => c.json({ live: true }, 200))
  app.openapi(readyRoute, (c) => {
    const readiness = deps.readiness()
    if (readiness.ready) return c.json({ ready: true, why: null }, 200)
    return c.json({ ready: false, why: readiness.why }, 503)
  })
  app.openapi(metricsRoute, async (c) => {
    const page = await deps.metrics.text()
    return c.text(page, 200, { 'content-type': deps.metrics.contentType })
  })
}
