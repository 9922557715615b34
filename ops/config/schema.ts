/**
 * Everything that can be set, with its default: `starling.yaml`'s schema and, through `z.infer`, the type that the rest
 * of the daemon takes. Durations are milliseconds once parsed. An empty file is a whole configuration.
 */
import { z } from 'zod'
import { gateDefaults } from '../../models/judging/gate.ts'
import { daysToTest } from '../../models/statistics/paired-test.ts'
import { isFamilyName } from '../../models/version.ts'
import { between, coin, duration, interval, oneOf, text, url, whole } from './values.ts'

const sourceWords = 'auto, tape or the id of a ccxt exchange such as binance'
const source = text(sourceWords, /^[a-z0-9]{2,40}$/)

const tape = z.strictObject({
  file: text('null or the path of a CSV, CSV.gz or Parquet file')
    .nullable()
    .default(null)
    .describe('trades or candles to play; null plays a seeded market'),
  seed: whole(0, 2 ** 31 - 1)
    .default(7)
    .describe('of the generated market'),
  speed: between(0.001, 1e9)
    .default(60)
    .describe('market seconds played in one second; 1e9 is as fast as it goes'),
  signal: between(0, 1)
    .default(0.3)
    .describe('how much of the generated market can be learnt, 0 none'),
})

const market = z.strictObject({
  source: source
    .default('auto')
    .describe('auto: the first live exchange that answers, else the tape'),
  candidates: z
    .array(source)
    .default(['binance', 'kraken'])
    .describe('the exchanges that auto asks, in this order'),
  coins: z
    .array(coin, { error: 'a list of coins such as [BTC/USDT, ETH/USDT]' })
    .min(1, { error: 'at least one coin' })
    .prefault(['BTC/USDT', 'ETH/USDT']),
  interval: interval.prefault('1m'),
  historyDays: whole(0, 3650).default(180).describe('fetched in the background on a first start'),
  graceMs: whole(0, 60_000)
    .default(2000)
    .describe('how long after its end a candle waits for late trades'),
  correctionWindow: duration
    .prefault('10m')
    .describe('how long a late trade still corrects its candle'),
  urls: z
    .strictObject({
      rest: url(['http', 'https']).default(null),
      ws: url(['ws', 'wss']).default(null),
    })
    .prefault({})
    .describe('another host to speak to in the place of the exchange'),
  tape: tape.prefault({}),
})

const familySettings = z
  .strictObject({
    horizon: duration
      .nullable()
      .default(null)
      .describe('how far ahead it looks; null: as far as the family does by itself'),
    retrain: duration
      .nullable()
      .default(null)
      .describe('how old its newest version may grow; null: as the family says, 5d by itself'),
    warmStart: z
      .boolean({ error: 'true or false' })
      .default(false)
      .describe('training begins with the weights of the version that serves'),
    expiresAfter: duration
      .nullable()
      .default(null)
      .describe('past this age, from the end of its training range, a version gives no signals'),
  })
  .prefault({})

const fleet = z.strictObject({
  families: z
    .record(
      z
        .string()
        .refine(isFamilyName, { error: 'a family name: small letters, digits and underscores' }),
      familySettings,
      { error: 'a mapping of family names to their settings' },
    )
    .prefault({ linear: {}, lightgbm: {}, tst: {}, lstm: {}, volatility: {} })
    .describe('the families that are kept alive for every coin; a list of your own replaces this'),
  shadowCandles: whole(0, 100_000)
    .default(10)
    .describe('how many candles a new version predicts beside the newest before it takes over'),
  inferMsMax: whole(1, 600_000)
    .default(2000)
    .describe('a version that takes longer over a row, time after time, is set aside'),
})

const articleWords = 'tape, rss: with an address, or page: with a site name'
const articles = z.strictObject({
  sources: z
    .array(
      z.union([
        z.literal('tape', { error: articleWords }),
        z.strictObject({ rss: text('the address of a feed', /^https?:\/\/\S+$/) }),
        z.strictObject({ page: text('the name of a site') }),
      ]),
      { error: 'a list of article sources' },
    )
    .default(['tape']),
})

const store = z.strictObject({
  url: url(['postgres', 'postgresql'])
    .default(null)
    .describe('null: a PostgreSQL of its own in the data directory'),
  keep: z
    .strictObject({
      trades: duration.prefault('3d'),
      candles: duration.prefault('5y'),
      features: duration.prefault('7d'),
      predictions: duration.prefault('1y'),
      archivedPredictions: duration
        .prefault('180d')
        .describe('of versions that serve no more; their scores by day stay'),
      trainingEvents: duration.prefault('1y'),
      logs: duration.prefault('30d'),
    })
    .prefault({}),
})

const childrenWords = 'auto or a whole number from 1 to 64'
const inference = z.strictObject({
  children: z
    .union(
      [
        z.literal('auto'),
        z
          .int({ error: childrenWords })
          .min(1, { error: childrenWords })
          .max(64, { error: childrenWords }),
      ],
      { error: childrenWords },
    )
    .default('auto')
    .describe('processes that run models; auto: one less than there are cores, at least one'),
  memoryLimitMb: whole(64, 65_536).default(1024).describe('a child above it is replaced'),
  deadlineMs: whole(10, 600_000)
    .default(10_000)
    .describe('a child that takes longer over one bundle is replaced'),
})

const api = z.strictObject({
  host: text('a host name or address to listen on').default('127.0.0.1'),
  port: whole(0, 65_535).default(8080).describe('0 lets the system choose'),
  token: text('null or a token of at least 16 characters', /^\S{16,}$/)
    .nullable()
    .default(null)
    .describe('null: made on the first start and kept in the data directory'),
  allowedHosts: z
    .array(text('a host name, with a port where it is not the usual one'), {
      error: 'a list of host names',
    })
    .default([])
    .describe('names besides loopback under which browsers and programs may reach it'),
})

const gate = z.strictObject({
  profile: oneOf(['open', 'paying', 'strict'])
    .default(gateDefaults.profile)
    .describe('what a version must show before it may serve'),
  daysMin: whole(daysToTest, 3650)
    .default(gateDefaults.daysMin)
    .describe('days of candles below which nothing is judged'),
  candlesMin: whole(1, 1e9).default(gateDefaults.candlesMin),
  calibrationMax: between(0, 1)
    .default(gateDefaults.calibrationMax)
    .describe('expected calibration error'),
  inferenceMsMax: between(0, 60_000)
    .default(gateDefaults.inferenceMsMax)
    .describe('p95 of one row'),
  accuracyMin: between(0, 1).default(gateDefaults.accuracyMin).describe('asked by strict'),
  sharpeMin: between(-100, 100)
    .default(gateDefaults.sharpeMin)
    .describe('of a year, asked by strict'),
  values: z
    .strictObject({
      rmseMax: between(0, 100).default(gateDefaults.values.rmseMax),
      maeMax: between(0, 100).default(gateDefaults.values.maeMax),
      r2Min: between(-100, 1).default(gateDefaults.values.r2Min),
    })
    .prefault({})
    .describe('of regressions, as shares of no skill’s errors and of what is left of them'),
})

export const configSchema = z
  .strictObject({
    market: market.prefault({}),
    articles: articles.prefault({}),
    fleet: fleet.prefault({}),
    inference: inference.prefault({}),
    fees: between(0, 0.1).default(0.001).describe('of one trade, as a share of its value'),
    slippage: between(0, 0.1)
      .default(0.0001)
      .describe('lost on one trade against the candle’s close, as a share of its value'),
    training: z
      .strictObject({
        where: oneOf(['local', 'vast', 'runpod', 'off']).default('local'),
        python: oneOf(['auto', 'off'])
          .default('auto')
          .describe(
            'auto: packages that a trainer needs are fetched on first use, up to 3 GB; off: nothing is, and families without theirs wait',
          ),
        concurrency: whole(1, 64).default(1).describe('runs at a time on this machine'),
        timeLimit: duration.prefault('2h').describe('a run that works longer than this has failed'),
        budgetPerMonth: between(0, 1e6).default(20).describe('US dollars'),
      })
      .prefault({}),
    gate: gate.prefault({}),
    store: store.prefault({}),
    bus: z
      .strictObject({
        brokers: z
          .array(text('a broker such as host:9092', /^[^\s:]+:\d+$/), {
            error: 'a list of brokers',
          })
          .default([])
          .describe('empty: in process'),
      })
      .prefault({}),
    artifacts: z.strictObject({ url: url(['s3']).default(null) }).prefault({}),
    registry: z.strictObject({ url: url(['http', 'https']).default(null) }).prefault({}),
    api: api.prefault({}),
  })
  .superRefine((config, context) => {
    const { where } = config.training
    if (where === 'vast' || where === 'runpod') {
      const message = 'local or off: machines cannot be rented yet'
      context.addIssue({ code: 'custom', path: ['training', 'where'], message })
    }
    for (const [name, family] of Object.entries(config.fleet.families)) {
      const { horizon } = family
      if (horizon === null || (horizon > 0 && horizon % config.market.interval === 0)) continue
      const path = ['fleet', 'families', name, 'horizon']
      context.addIssue({ code: 'custom', path, message: 'a multiple of market.interval' })
    }
  })

export type Config = z.infer<typeof configSchema>

/** The configuration as it would be written down, every value filled in. */
export function encodeConfig(config: Config): Readonly<Record<string, unknown>> {
  return z.encode(configSchema, config) as Readonly<Record<string, unknown>>
}

export function configJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, default: _, ...rest } = z.toJSONSchema(configSchema, { io: 'input' })
  return { $schema, title: 'starling.yaml', description: 'Configuration of Starling', ...rest }
}
