/**
 * The HTTP API as a function from request to answer: `createApp(deps).request(…)` is all that a test needs, and `serve.ts`
 * puts it on a port. Requests and answers are described once, in zod; OpenAPI is generated from the same schemas.
 */
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { matchedRoutes } from 'hono/route'
import type { ZodError } from 'zod'
import type { ApiDeps } from './deps.ts'
import { checkHost, limitBody, requireToken } from './guard.ts'
import { describeApi } from './openapi.ts'
import { problem, problemOf } from './problem.ts'
import { coinsRoutes } from './routes/coins.ts'
import { continuityRoutes } from './routes/continuity.ts'
import { controlRoutes } from './routes/controls.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { laneRoutes } from './routes/lanes.ts'
import { marketRoutes } from './routes/market.ts'
import { predictionRoutes } from './routes/predictions.ts'
import { publishRoutes } from './routes/publish.ts'
import { scoreRoutes } from './routes/scores.ts'
import { statusRoutes } from './routes/status.ts'
import { trainingRoutes } from './routes/training.ts'
import { treeRoutes } from './routes/tree.ts'
import { versionRoutes } from './routes/versions.ts'

export function createApp(deps: ApiDeps): OpenAPIHono {
  const app = new OpenAPIHono({
    defaultHook: (result, c) => {
      if (!result.success) return refuse(c, result.target, result.error)
    },
  })
  app.use('*', measured(deps))
  app.use('*', checkHost(deps.access))
  app.use('*', methodNotAllowed({ app, onMethodNotAllowed }))
  app.use('*', limitBody)
  if (deps.access.isReadingGuarded) app.use('/api/*', requireToken(deps.access))
  statusRoutes(app, deps)
  coinsRoutes(app, deps)
  marketRoutes(app, deps)
  predictionRoutes(app, deps)
  laneRoutes(app, deps)
  versionRoutes(app, deps)
  publishRoutes(app, deps)
  scoreRoutes(app, deps)
  continuityRoutes(app, deps)
  treeRoutes(app, deps)
  eventRoutes(app, deps)
  controlRoutes(app, deps)
  trainingRoutes(app, deps)
  healthRoutes(app, deps)
  app.get('/', (c) => c.redirect('/api/v1/status'))
  describeApi(app, deps.version)
  app.notFound((c) => problem(c, 404, 'route.unknown', `nothing is at ${c.req.path}`))
  app.onError((error, c) => {
    const expected = problemOf(c, error)
    if (expected) return expected
    deps.broke(error, routeOf(c))
    return problem(c, 500, 'internal.error', 'something broke; the log says what')
  })
  return app
}

function refuse(c: Context, target: string, error: ZodError): Response {
  const errors = error.issues.map((issue) => ({
    at: [target, ...issue.path].join('.'),
    message: issue.message,
  }))
  const detail = errors.map(({ at, message }) => `${at}: ${message}`).join('; ')
  return problem(c, 400, 'request.invalid', detail, { errors })
}

function onMethodNotAllowed(c: Context, methods: readonly string[]): Response {
  const allow = methods.join(', ')
  const detail = `${c.req.method} is not offered here, ${allow} is`
  return problem(c, 405, 'request.method', detail, { headers: { allow } })
}

function measured({ elapsed, metrics }: ApiDeps): MiddlewareHandler {
  return async function measure(c, next) {
    const from = elapsed()
    await next()
    metrics.observe(routeOf(c), methodOf(c), c.res.status, (elapsed() - from) / 1000)
  }
}

/** The route as it was declared; what is no route shares one label, whatever was asked for. */
function routeOf(c: Context): string {
  const route = matchedRoutes(c).findLast(({ path }) => !path.endsWith('*'))
  return route?.path ?? 'none'
}

const methods: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

function methodOf(c: Context): string {
  return methods.includes(c.req.method) ? c.req.method : 'other'
}
