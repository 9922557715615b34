/** How good each version was, on rows that it was not trained on, beside what no skill would have got on the same rows. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { laneOverfitting } from '../../../models/scores/lane.ts'
import { rollingScores, type Scores, score } from '../../../models/scores/score.ts'
import { laneName, versionName } from '../../../models/version.ts'
import { dayMs, iso, parseDuration } from '../../../streams/time.ts'
import { pageWithin } from '../../store/reads/page.ts'
import type { CoverageRead, DaySums } from '../../store/reads/reads.ts'
import { answers } from '../answers.ts'
import type { ApiDeps } from '../deps.ts'
import {
  coinInQuery,
  coinText,
  family,
  instant,
  pageOf,
  paging,
  range,
  versionNumber,
} from '../fields.ts'

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

const difference = z
  .strictObject({
    mean: z.number().openapi({ description: 'per row, the version less no skill' }),
    p: figure.openapi({
      description: 'how likely so good a difference is by chance; null where too few days can tell',
    }),
  })
  .nullable()

const figures = {
  n: z.int(),
  days: z.int(),
  classes: z.strictObject({ ...noSkillClasses, ece: figure, calibration: z.array(bin) }).nullable(),
  values: z
    .strictObject({ rmse: z.number(), mae: z.number(), r2: figure, r2NoSkill: figure, ic: figure })
    .nullable(),
  trading: z
    .strictObject({
      profit: z.number(),
      profitMean: z.number(),
      trades: z.int(),
      turnover: z.number(),
      sharpe: figure,
      sharpeError: figure,
      sharpeProbability: figure,
      drawdown: z.number(),
      days: z.int(),
    })
    .nullable()
    .openapi({
      description:
        'in stakes, after fees and slippage: one stake per buy or sell, opened at its candle’s close and closed a horizon later',
    }),
  baseline: z
    .strictObject({
      frequencies: z.enum(['training', 'same_rows']),
      classes: z.strictObject(noSkillClasses).nullable(),
      values: z.strictObject({ rmse: z.number(), mae: z.number() }).nullable(),
      trading: z.strictObject({ profit: z.number() }).nullable(),
    })
    .openapi({ description: 'no skill on the same rows' }),
  versus: z
    .strictObject({
      accuracy: difference,
      logLoss: difference,
      brier: difference,
      squaredError: difference,
      absoluteError: difference,
      profit: difference,
    })
    .openapi({ description: 'against no skill, paired by day, one-sided' }),
}

const scoreSchema = z
  .strictObject({
    coin: coinText,
    family: z.string(),
    version: z.int(),
    coverage: z
      .strictObject({ candles: z.int(), answered: z.int(), share: figure })
      .openapi({ description: 'in every mode; what is missing is not wrong' }),
    laneOverfitting: figure.openapi({
      description:
        'how likely the lane’s best version by profit is the best by chance (CSCV); null where too few days are shared',
    }),
    ...figures,
    rolling: z
      .array(z.strictObject({ from: instant, to: instant, ...figures }))
      .optional()
      .openapi({ description: 'where a window was asked for' }),
  })
  .openapi('Score')

const windowText = 'expected whole days such as 7d'

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
      window: z
        .string()
        .regex(/^[1-9]\d{0,2}d$/, { error: windowText })
        .transform((text) => parseDuration(text) ?? dayMs)
        .optional()
        .openapi({ type: 'string', example: '7d', pattern: '^[1-9][0-9]{0,2}d$' }),
      ...range,
      ...paging,
    }),
  },
  responses: answers(
    pageOf(scoreSchema),
    'one per version that has resolved predictions, by coin, family and version',
  ),
})

export function scoreRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(route, async (c) => {
    const { window, limit, cursor, ...filter } = c.req.valid('query')
    const [sums, coverage] = await Promise.all([
      deps.reads.daySums(filter),
      deps.reads.coverage(filter),
    ])
    const known = new Map(coverage.map((it) => [versionName(it), it]))
    const byVersion = Map.groupBy(sums, versionName)
    const lanes = Map.groupBy(byVersion.values(), (days) => laneName(days[0] as DaySums))
    const overfitting = new Map([...lanes].map(([name, it]) => [name, laneOverfitting(it)]))
    const { items, next } = pageWithin(
      [...byVersion.values()].map((days) => ({ days, of: days[0] as DaySums })),
      { limit, cursor },
      ({ of }) => [of.coin, of.family, of.version],
      ['string', 'string', 'number'],
    )
    const bodies = items.map(({ days, of }) =>
      scoreBody(days, known.get(versionName(of)), overfitting.get(laneName(of)), window),
    )
    return c.json({ items: bodies, next }, 200)
  })
}

function scoreBody(
  days: readonly DaySums[],
  known: CoverageRead | undefined,
  overfitting: number | null | undefined,
  window: number | undefined,
): z.infer<typeof scoreSchema> {
  const { coin, family, version } = days[0] as DaySums
  const { candles = 0, answered = 0, frequencies = null } = known ?? {}
  const rolling =
    window === undefined
      ? {}
      : {
          rolling: rollingScores(days, window, frequencies).map(({ from, to, scores }) => ({
            from: iso(from),
            to: iso(to),
            ...figuresOf(scores),
          })),
        }
  return {
    ...{ coin, family, version },
    coverage: { candles, answered, share: candles > 0 ? answered / candles : null },
    laneOverfitting: overfitting ?? null,
    ...figuresOf(score(days, frequencies)),
    ...rolling,
  }
}

/** The same, writable: the schema's own type. */
function figuresOf(scores: Scores) {
  const { classes, values, trading, baseline, versus, n, days } = scores
  const tested = <T extends object>(it: T | null): T | null => it && { ...it }
  // Where there was nothing to compare there is no difference, and a mean of nothing is no number.
  const compared = <T extends { readonly mean: number }>(it: T | null): T | null =>
    it && Number.isFinite(it.mean) ? { ...it } : null
  return {
    n,
    days,
    classes: classes && {
      ...classes,
      f1: { ...classes.f1 },
      calibration: classes.calibration.map((it) => ({ ...it })),
    },
    values: tested(values),
    trading: tested(trading),
    baseline: {
      frequencies: baseline.frequencies,
      classes: baseline.classes && { ...baseline.classes, f1: { ...baseline.classes.f1 } },
      values: tested(baseline.values),
      trading: tested(baseline.trading),
    },
    versus: {
      accuracy: compared(versus.accuracy),
      logLoss: compared(versus.logLoss),
      brier: compared(versus.brier),
      squaredError: compared(versus.squaredError),
      absoluteError: compared(versus.absoluteError),
      profit: compared(versus.profit),
    },
  }
}
