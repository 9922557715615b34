/** The ledger: predictions, the newest of each slot as signals, and one prediction with all that is known of it. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { versionName } from '../../../models/version.ts'
import { Fault } from '../../../streams/fault.ts'
import { iso } from '../../../streams/time.ts'
import { pageWithin } from '../../store/reads/page.ts'
import type { OutcomeRead, PredictionRead } from '../../store/reads/reads.ts'
import { answers } from '../answers.ts'
import type { ApiDeps } from '../deps.ts'
import {
  askedInstant,
  coinInPath,
  coinInQuery,
  coinText,
  family,
  instant,
  modeName,
  pageOf,
  paging,
  range,
  signalName,
  slotName,
  versionNumber,
} from '../fields.ts'

const versionFields = { coin: coinText, family: z.string(), version: z.int() }

const answerFields = {
  openAt: instant,
  closeAt: instant,
  horizon: z.string(),
  mode: modeName,
  signal: signalName.nullable(),
  probabilities: z.strictObject({ sell: z.number(), hold: z.number(), buy: z.number() }).nullable(),
  value: z.number().nullable(),
  madeAt: instant,
  waitMs: z.number(),
  inferMs: z.number(),
  featureSet: z.string(),
  inputHash: z.string(),
  traceId: z.string(),
  epoch: z.number(),
  flags: z.array(z.string()),
}

const predictionFields = { ...versionFields, slot: slotName.nullable(), ...answerFields }

const predictionSchema = z.strictObject(predictionFields).openapi('Prediction')

const signalSchema = z
  .strictObject({
    ...versionFields,
    slot: slotName,
    ...orNull(answerFields),
    ageMs: z
      .number()
      .nullable()
      .openapi({ description: 'since it was made; null where the version has said nothing yet' }),
  })
  .openapi('Signal')

const outcomeSchema = z
  .strictObject({
    resolvedAt: instant,
    return: z.number(),
    label: signalName.nullable(),
    correct: z.boolean().nullable(),
    profit: z.number().nullable(),
  })
  .openapi('Outcome')

const onePredictionSchema = z
  .strictObject({
    ...predictionFields,
    inputs: z
      .record(z.string(), z.number().nullable())
      .nullable()
      .openapi({ description: 'the feature row, while features are kept' }),
    stages: z.array(z.strictObject({ name: z.string(), ms: z.number() })),
    outcome: outcomeSchema.nullable(),
  })
  .openapi('PredictionInFull')

const listRoute = createRoute({
  method: 'get',
  path: '/api/v1/predictions',
  summary: 'Predictions',
  request: {
    query: z.strictObject({
      coin: coinInQuery.optional(),
      family: family.optional(),
      version: versionNumber.optional(),
      slot: slotName.optional(),
      mode: modeName.optional(),
      ...range,
      ...paging,
    }),
  },
  responses: answers(pageOf(predictionSchema), 'predictions, newest first'),
})

const oneRoute = createRoute({
  method: 'get',
  path: '/api/v1/predictions/{coin}/{family}/{version}/{openAt}',
  summary: 'One prediction, with its inputs, stages and outcome',
  request: {
    params: z.strictObject({
      coin: coinInPath,
      family,
      version: versionNumber,
      openAt: askedInstant,
    }),
  },
  responses: answers(onePredictionSchema, 'the prediction'),
})

const signalsRoute = createRoute({
  method: 'get',
  path: '/api/v1/signals',
  summary: 'Every slot with the newest prediction of its version',
  description: 'Between a cut and its first candle that is one from the shadow or from history.',
  request: { query: z.strictObject(paging) },
  responses: answers(pageOf(signalSchema), 'one per slot, by coin, family and slot'),
})

export function predictionRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(listRoute, async (c) => {
    const page = await deps.reads.predictions(c.req.valid('query'))
    return c.json({ items: page.items.map(predictionBody), next: page.next }, 200)
  })
  app.openapi(oneRoute, async (c) => {
    const { openAt, ...version } = c.req.valid('param')
    const found = await deps.reads.prediction(version, openAt)
    if (!found) {
      const what = `${versionName(version)} said nothing at ${iso(openAt)}`
      throw new Fault('prediction.unknown', what)
    }
    const at = { from: openAt, to: openAt + 1, limit: 1 }
    const row = (await deps.reads.features(version.coin, at)).items[0]
    const isTheirs = row !== undefined && row.hash === found.featureSet
    const full = {
      ...predictionBody(found),
      inputs: isTheirs ? { ...row.values } : null,
      stages: [
        { name: 'inference', ms: found.inferMs },
        { name: 'close to commit', ms: found.waitMs },
      ],
      outcome: found.outcome && outcomeBody(found.outcome),
    }
    return c.json(full, 200)
  })
  app.openapi(signalsRoute, async (c) => {
    const { items, next } = pageWithin(
      (await signalsBody(deps)).items,
      c.req.valid('query'),
      ({ coin, family: of, slot }) => [coin, of, slot],
      ['string', 'string', 'string'],
    )
    return c.json({ items: [...items], next }, 200)
  })
}

/** All of them. */
export async function signalsBody(deps: ApiDeps) {
  const now = deps.now()
  const items = (await deps.reads.signals()).map(({ coin, family: of, version, slot, newest }) => ({
    ...(newest ? predictionBody(newest) : nothingSaid),
    coin,
    family: of,
    version,
    slot,
    ageMs: newest && now - newest.madeAt,
  }))
  return { items, next: null }
}

const nothingSaid = Object.fromEntries(
  Object.keys(answerFields).map((name) => [name, null]),
) as Readonly<Record<keyof typeof answerFields, null>>

/** The same fields, each of which may be null. */
function orNull<T extends Readonly<Record<string, z.ZodType>>>(
  fields: T,
): { [K in keyof T]: z.ZodNullable<T[K]> } {
  const made = Object.entries(fields).map(([name, field]) => [name, field.nullable()])
  return Object.fromEntries(made)
}

function predictionBody(prediction: PredictionRead): z.infer<typeof predictionSchema> {
  return {
    coin: prediction.coin,
    family: prediction.family,
    version: prediction.version,
    slot: prediction.slot,
    openAt: iso(prediction.openAt),
    closeAt: iso(prediction.closeAt),
    horizon: prediction.horizon,
    mode: prediction.mode,
    signal: prediction.signal,
    probabilities: prediction.probabilities && { ...prediction.probabilities },
    value: prediction.value,
    madeAt: iso(prediction.madeAt),
    waitMs: prediction.waitMs,
    inferMs: prediction.inferMs,
    featureSet: prediction.featureSet,
    inputHash: prediction.inputHash,
    traceId: prediction.traceId,
    epoch: prediction.epoch,
    flags: [...prediction.flags],
  }
}

function outcomeBody(outcome: OutcomeRead): z.infer<typeof outcomeSchema> {
  return {
    resolvedAt: iso(outcome.resolvedAt),
    return: outcome.return,
    label: outcome.label,
    correct: outcome.correct,
    profit: outcome.profit,
  }
}
