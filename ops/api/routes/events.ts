/** What happens, as Server-Sent Events: `event-hub.ts` numbers it, `event-stream.ts` tells it to one reader. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { answers } from '../answers.ts'
import type { ApiDeps } from '../deps.ts'
import { eventStream } from '../event-stream.ts'
import { problem, problemSchema } from '../problem.ts'
import { coinBody } from './coins.ts'
import { signalsBody } from './predictions.ts'
import { statusBody } from './status.ts'
import { treeBody } from './tree.ts'

/** Each may hold 4 MiB. */
const readersMax = 64

const { 200: _, ...troubles } = answers(problemSchema, '')

const route = createRoute({
  method: 'get',
  path: '/api/v1/events',
  summary: 'One snapshot, then numbered deltas',
  description:
    'Events are `snapshot`, `candle`, `preview`, `prediction`, `gap`, `swap`, `model`, `training`, `article` and `tree`. ' +
    '`Last-Event-ID` resumes; where it is too old, a fresh snapshot comes. A slow reader is cut off.',
  request: {
    headers: z.object({ 'last-event-id': z.string().max(100).optional() }),
  },
  responses: {
    200: { description: 'the events', content: { 'text/event-stream': { schema: z.string() } } },
    ...troubles,
  },
})

const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // Proxies that gather an answer before passing it on are told not to.
  'x-accel-buffering': 'no',
}

export function eventRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(route, (c) => {
    if (c.req.raw.method === 'HEAD') return c.body(null, 200, streamHeaders)
    if (deps.events.readers() >= readersMax) {
      return problem(c, 503, 'events.too_many', `${readersMax} readers are connected already`)
    }
    const lastEventId = c.req.valid('header')['last-event-id']
    const stream = eventStream(deps.events, lastEventId, () => snapshot(deps))
    return c.body(stream, 200, streamHeaders)
  })
}

async function snapshot(deps: ApiDeps) {
  const [status, coins, signals] = await Promise.all([
    deps.status(),
    deps.coins(),
    signalsBody(deps),
  ])
  return {
    status: statusBody(status),
    coins: coins.map(coinBody),
    signals: signals.items,
    tree: treeBody(deps.tree()),
  }
}
