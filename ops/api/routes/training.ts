/** Training runs: asked for, looked at with their steps and what they said, cancelled; and when each lane's next one is. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { causes, runStates, type StepTry, steps } from '../../../actors/training/run.ts'
import { parseCoin } from '../../../streams/coin.ts'
import { iso } from '../../../streams/time.ts'
import type { TrainingRead } from '../../store/training/read-training.ts'
import { answers, guardedAnswers, withToken } from '../answers.ts'
import type { ApiDeps, LanePlanRead } from '../deps.ts'
import { coinInQuery, coinText, family, instant, isoOrNull, paging, wholeText } from '../fields.ts'
import { requireJson, requireToken } from '../guard.ts'

const stepSchema = z.strictObject({
  step: z.enum(steps),
  attempt: z.int(),
  state: z.enum(['running', 'done', 'failed', 'stopped']),
  startedAt: instant,
  endedAt: instant.nullable(),
  inputHash: z.string().nullable(),
  product: z.string().nullable().openapi({ description: 'hash of all that it made' }),
  code: z.string().nullable(),
  detail: z.string().nullable(),
})

const progressSchema = z.strictObject({
  part: z.string().openapi({ description: 'what is counted: `epoch`, `round`, `trial` …' }),
  done: z.number(),
  of: z.number(),
  loss: z.number().nullable(),
  secondsLeft: z.number().nullable(),
})

const runSchema = z
  .strictObject({
    run: z.int(),
    coin: coinText,
    family: z.string(),
    cause: z.enum(causes),
    state: z.enum(runStates),
    step: z.enum(steps).nullable().openapi({ description: 'the last that was begun' }),
    cancelAsked: z.boolean(),
    rowsMax: z.int().nullable(),
    trials: z.int(),
    seed: z.int(),
    warmStart: z.boolean().openapi({ description: 'it begins with the weights that serve' }),
    timeLimitSeconds: z.number(),
    marketAt: instant.openapi({ description: "the market's time when it was asked for" }),
    askedAt: instant,
    startedAt: instant.nullable(),
    endedAt: instant.nullable(),
    aliveAt: instant.nullable().openapi({ description: "the trainer's last sign of life" }),
    progress: progressSchema.nullable(),
    steps: z.array(stepSchema),
    log: z
      .array(z.string())
      .openapi({ description: 'the newest lines; all that is kept of one run' }),
    code: z.string().nullable(),
    message: z.string().nullable(),
    version: z.int().nullable(),
    verdict: z.unknown().openapi({ description: "the gate's, null until it has judged" }),
    metrics: z.unknown(),
    baseline: z.unknown().openapi({ description: 'what no skill says on the same candles' }),
    searched: z.array(z.unknown()).openapi({ description: 'every setting that was tried' }),
    costUsd: z.number(),
  })
  .openapi('TrainingRun')

export type TrainingRunBody = z.infer<typeof runSchema>

const laneSchema = z
  .strictObject({
    coin: coinText,
    family: z.string(),
    state: z.enum(['now', 'later', 'waiting', 'obstructed', 'underWay', 'off']),
    at: instant.nullable().openapi({ description: 'of its next run, in market time' }),
    detail: z.string().openapi({ description: 'what it waits for, and what to do about it' }),
  })
  .openapi('TrainingLane')

const listSchema = z
  .strictObject({
    items: z.array(runSchema),
    next: z.string().nullable(),
    lanes: z.array(laneSchema),
  })
  .openapi('TrainingRuns')

export type TrainingBody = z.infer<typeof listSchema>

const logLinesInList = 20

const listRoute = createRoute({
  method: 'get',
  path: '/api/v1/training',
  summary: 'Training runs, newest first, and when the next one of each lane is due',
  request: {
    query: z.strictObject({
      coin: coinInQuery.optional(),
      family: family.optional(),
      state: z.enum(runStates).optional(),
      ...paging,
    }),
  },
  responses: answers(listSchema, 'the runs'),
})

const runInPath = z.strictObject({ run: wholeText(1, 2_147_483_647) })

const oneRoute = createRoute({
  method: 'get',
  path: '/api/v1/training/{run}',
  summary: 'One training run with all that it has said',
  request: { params: runInPath },
  responses: {
    ...answers(runSchema, 'the run'),
    404: guardedAnswers(runSchema, '')[404],
  },
})

const orderSchema = z
  .strictObject({
    coin: coinText.refine((text) => parseCoin(text) !== undefined, {
      error: 'expected a coin such as BTC/USDT',
    }),
    family,
    rows: z.int().min(1).max(100_000_000).optional(),
    trials: z.int().min(1).max(10_000).optional(),
    seed: z.int().min(0).max(2_147_483_647).optional(),
    warmStart: z.boolean().optional().openapi({
      description: 'begin with the weights of the version that serves, where its trainer can',
    }),
  })
  .openapi('TrainingOrder')

export function trainingRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(listRoute, async (c) => {
    const { items, next } = await deps.reads.trainingRuns(c.req.valid('query'))
    const lanes = deps.training.plan().map(laneBody)
    return c.json({ items: items.map((it) => runBody(it, logLinesInList)), next, lanes }, 200)
  })

  app.openapi(oneRoute, async (c) =>
    c.json(runBody(await deps.reads.trainingRun(c.req.valid('param').run)), 200),
  )

  const guarded = {
    security: withToken,
    middleware: [requireToken(deps.access), requireJson],
  }
  const { 200: run, ...troubles } = guardedAnswers(runSchema, 'the run as it stands')
  const orderRoute = createRoute({
    method: 'post',
    path: '/api/v1/training',
    summary: 'Train a lane',
    ...guarded,
    request: { body: { required: true, content: { 'application/json': { schema: orderSchema } } } },
    responses: { 202: { ...run, description: 'the run, queued' }, ...troubles },
  })
  app.openapi(orderRoute, async (c) => {
    const { coin: text, ...order } = c.req.valid('json')
    const coin = parseCoin(text) as NonNullable<ReturnType<typeof parseCoin>>
    return c.json(runBody(await deps.training.ask({ coin, ...order })), 202)
  })

  const cancelRoute = createRoute({
    method: 'post',
    path: '/api/v1/training/{run}/cancel',
    summary: 'End a training run',
    ...guarded,
    request: { params: runInPath },
    responses: { 202: run, ...troubles },
  })
  app.openapi(cancelRoute, async (c) =>
    c.json(runBody(await deps.training.cancel(c.req.valid('param').run)), 202),
  )
}

export function runBody(run: TrainingRead, lines = Number.POSITIVE_INFINITY): TrainingRunBody {
  const log = run.log.split('\n').filter(Boolean)
  return {
    run: run.id,
    ...run.lane,
    cause: run.cause,
    state: run.state,
    step: run.tries.at(-1)?.step ?? null,
    cancelAsked: run.cancelAsked,
    rowsMax: run.rowsMax,
    trials: run.trials,
    seed: run.seed,
    warmStart: run.warmStart,
    timeLimitSeconds: run.timeLimitMs / 1000,
    marketAt: iso(run.marketAt),
    askedAt: iso(run.askedAt),
    startedAt: isoOrNull(run.startedAt),
    endedAt: isoOrNull(run.endedAt),
    aliveAt: isoOrNull(run.aliveAt),
    progress: run.progress,
    steps: run.tries.map((it) => stepBody(it, run)),
    log: log.slice(Math.max(0, log.length - lines)),
    code: run.code,
    message: run.message,
    version: run.version,
    verdict: run.verdict,
    metrics: run.metrics,
    baseline: run.baseline,
    searched: [...run.trialsDone],
    // This machine's own time has no price.
    costUsd: 0,
  }
}

function stepBody(it: StepTry, { details }: TrainingRead): z.infer<typeof stepSchema> {
  return {
    step: it.step,
    attempt: it.attempt,
    state: it.state,
    startedAt: iso(it.startedAt),
    endedAt: isoOrNull(it.endedAt),
    inputHash: it.inputHash,
    product: it.product,
    code: it.failure?.code ?? null,
    detail: it.failure?.message ?? details[it.step] ?? null,
  }
}

function laneBody({ lane, due }: LanePlanRead): z.infer<typeof laneSchema> {
  const at = due.type === 'later' ? iso(due.at) : null
  return { ...lane, state: due.type, at, detail: due.detail }
}
