/** What an operator may do while it runs. Each needs the token and is recorded with its reason. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { parseCoin } from '../../../streams/coin.ts'
import { guardedAnswers, withToken } from '../answers.ts'
import { type Action, type ApiDeps, actions } from '../deps.ts'
import { coinInPath, coinText, family } from '../fields.ts'
import { requireJson, requireToken } from '../guard.ts'
import { coinBody, coinsSchema } from './coins.ts'

const noReason = 'asked for over the API'
const reason = z.string().trim().min(1).max(500).optional()

const summaries: Readonly<Record<Action, string>> = {
  pause: 'Hold',
  resume: 'Let go on',
  restart: 'Restart the actors of',
  release: 'End the quarantine of',
}

const stateSchema = z.strictObject({ state: z.string() }).openapi('State')

const reasonBody = {
  content: { 'application/json': { schema: z.strictObject({ reason }).openapi('Reason') } },
}

const addSchema = z
  .strictObject({
    coin: coinText.refine((text) => parseCoin(text) !== undefined, {
      error: 'expected a coin such as BTC/USDT',
    }),
    reason,
  })
  .openapi('AddCoin')

export function controlRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  const middleware = [requireToken(deps.access), requireJson]
  const guarded = { security: withToken, middleware }
  const coins = async () => (await deps.coins()).map(coinBody)

  const addRoute = createRoute({
    method: 'post',
    path: '/api/v1/coins',
    summary: 'Follow a coin',
    ...guarded,
    request: { body: { required: true, content: { 'application/json': { schema: addSchema } } } },
    responses: guardedAnswers(coinsSchema, 'the coins that are followed now'),
  })
  app.openapi(addRoute, async (c) => {
    const body = c.req.valid('json')
    const coin = parseCoin(body.coin) as NonNullable<ReturnType<typeof parseCoin>>
    await deps.controls.addCoin(coin, body.reason ?? noReason)
    return c.json(await coins(), 200)
  })

  const removeRoute = createRoute({
    method: 'delete',
    path: '/api/v1/coins/{coin}',
    summary: 'Follow a coin no longer; what is stored of it stays',
    ...guarded,
    request: { params: z.strictObject({ coin: coinInPath }) },
    responses: guardedAnswers(coinsSchema, 'the coins that are followed now'),
  })
  app.openapi(removeRoute, async (c) => {
    await deps.controls.removeCoin(c.req.valid('param').coin, noReason)
    return c.json(await coins(), 200)
  })

  for (const action of actions) {
    const coinRoute = createRoute({
      method: 'post',
      path: `/api/v1/coins/{coin}/${action}`,
      summary: `${summaries[action]} a coin with all its lanes`,
      ...guarded,
      request: { params: z.strictObject({ coin: coinInPath }), body: reasonBody },
      responses: guardedAnswers(stateSchema, 'the state that it is in now'),
    })
    app.openapi(coinRoute, async (c) => {
      const said = c.req.valid('json').reason ?? noReason
      return c.json({ ...(await deps.controls.act(c.req.valid('param'), action, said)) }, 200)
    })

    const laneRoute = createRoute({
      method: 'post',
      path: `/api/v1/lanes/{coin}/{family}/${action}`,
      summary: `${summaries[action]} a lane`,
      ...guarded,
      request: { params: z.strictObject({ coin: coinInPath, family }), body: reasonBody },
      responses: guardedAnswers(stateSchema, 'the state that it is in now'),
    })
    app.openapi(laneRoute, async (c) => {
      const said = c.req.valid('json').reason ?? noReason
      return c.json({ ...(await deps.controls.act(c.req.valid('param'), action, said)) }, 200)
    })
  }
}
