/** How good each version was, on rows that it was not trained on, beside what no skill would have got on the same rows. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { type Scores, score } from '../../../models/score.ts'
import { type Version, versionName } from '../../../models/version.ts'
import type { DaySums } from '../../store/reads.ts'
import { answers } from '../answers.ts'
import type { ApiDeps } from '../deps.ts'
import { coinInQuery, coinText, family, pageOf, range, versionNumber } from '../fields.ts'

const figure = z.number().nullable()

const noSkillClasses = {
  accuracy: z.number(),
  balancedAccuracy: z.number(),
  f1: z.strictObject({ sell: figure, hold: figure, buy: figure }),
  brier: figure,
  logLoss: figure,
}

const bin = z.strictObject({
  from: z.number(),
  to: z.number(),
  n: z.int(),
  confidence: z.number(),
  accuracy: z.number(),
})

const scoreSchema = z
  .strictObject({
    coin: coinText,
    family: z.string(),
    version: z.int(),
    n: z.int(),
    classes: z
      .strictObject({ ...noSkillClasses, ece: figure, calibration: z.array(bin) })
      .nullable(),
    values: z
      .strictObject({ rmse: z.number(), mae: z.number(), r2: figure, ic: figure })
      .nullable(),
    trading: z
      .strictObject({
        profit: z.number(),
        profitMean: z.number(),
        sharpe: figure,
        days: z.int(),
      })
      .nullable()
      .openapi({ description: 'after fees' }),
    baseline: z
      .strictObject({
        classes: z.strictObject(noSkillClasses).nullable(),
        values: z.strictObject({ rmse: z.number(), mae: z.number() }).nullable(),
        trading: z.strictObject({ profit: z.number() }).nullable(),
      })
      .openapi({ description: 'no skill on the same rows' }),
  })
  .openapi('Score')

const route = createRoute({
  method: 'get',
  path: '/api/v1/scores',
  summary: 'How good each version was',
  request: {
    query: z.strictObject({
      coin: coinInQuery.optional(),
      family: family.optional(),
      version: versionNumber.optional(),
      // Rows of the training range are no evidence, so `in_sample` cannot be asked for.
      mode: z.enum(['live', 'backfill', 'shadow']).optional(),
      ...range,
    }),
  },
  responses: answers(pageOf(scoreSchema), 'one per version that has resolved predictions'),
})

export function scoreRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(route, async (c) => {
    const items = byVersion(await deps.reads.daySums(c.req.valid('query')))
    return c.json({ items: items.map(scoreBody), next: null }, 200)
  })
}

interface VersionScores extends Version {
  readonly scores: Scores
}

function byVersion(sums: readonly DaySums[]): readonly VersionScores[] {
  const groups = Map.groupBy(sums, versionName)
  return [...groups.values()].map((days) => {
    const { coin, family, version } = days[0] as DaySums
    return { coin, family, version, scores: score(days) }
  })
}

function scoreBody(one: VersionScores): z.infer<typeof scoreSchema> {
  const { n, classes, values, trading, baseline } = one.scores
  return {
    coin: one.coin,
    family: one.family,
    version: one.version,
    n,
    classes: classes && {
      ...classes,
      f1: { ...classes.f1 },
      calibration: classes.calibration.map((it) => ({ ...it })),
    },
    values: values && { ...values },
    trading: trading && { ...trading },
    baseline: {
      classes: baseline.classes && { ...baseline.classes, f1: { ...baseline.classes.f1 } },
      values: baseline.values && { ...baseline.values },
      trading: baseline.trading && { ...baseline.trading },
    },
  }
}
