/**
 * What a dataset says about itself: `dataset.json` beside `rows.parquet`, `profile.json` and `profile.html`. One coin, one
 * label, one row for every candle of the range in order, none left out: a window may reach over a row that is no example.
 *
 * Columns of `rows.parquet`: `open_at` (milliseconds, int64), `close` (double), `flaw` (int32, index in `flaws`), `return`
 * (double: of the close over the horizon), `target` (double: 0 sell, 1 hold, 2 buy, or the value), `naive` (double: what no
 * skill says of a value), then the features as float in the order of `columns`. What is unknown is NaN.
 */
import { z } from 'zod'
import { Fault } from '../../streams/fault.ts'
import { type Label, labelSchema } from '../manifest.ts'
import type { FileFacts } from './file-facts.ts'

export const datasetFormat = 'starling-dataset/1'

/** All that lies in the folder of a dataset whose checks did not hold. */
export const reportFile = 'report.json'

/** Why a row is no example; the first that holds. `none` is a whole one. */
export const flaws = ['none', 'no_trades', 'gap', 'warmup', 'corrected', 'unlabelled'] as const
export type Flaw = (typeof flaws)[number]

/** Before the features. */
export const leadingColumns = ['open_at', 'close', 'flaw', 'return', 'target', 'naive'] as const

export interface DatasetManifest {
  readonly format: typeof datasetFormat
  readonly coin: string
  readonly source: string
  /** `1m`. */
  readonly interval: string
  readonly featureSet: string
  readonly label: Label
  readonly horizonCandles: number
  /** The label knows candles up to so many after its own: purging and embargo come from this. */
  readonly informationCandles: number
  readonly columns: readonly string[]
  readonly from: string
  readonly to: string
  readonly rows: number
  readonly flaws: Readonly<Record<Flaw, number>>
  readonly gaps: readonly { readonly from: string; readonly to: string }[]
  readonly checks: readonly Check[]
  readonly files: Readonly<Record<string, FileFacts>>
}

const checkNames = [
  'rows',
  'labels',
  'nulls',
  'schema',
  'outliers',
  'duplicates',
  'freshness',
] as const

export interface Check {
  readonly name: (typeof checkNames)[number]
  readonly ok: boolean
  readonly found: number
  readonly limit: number
  /** In words, for whoever must mend it. */
  readonly detail: string
}

const count = z.int().min(0)
const instant = z.iso.datetime()
const schema = z.looseObject({
  format: z.literal(datasetFormat),
  coin: z.string(),
  source: z.string(),
  interval: z.string(),
  featureSet: z.string(),
  label: labelSchema,
  horizonCandles: z.int().min(1),
  informationCandles: z.int().min(1),
  columns: z.array(z.string()).min(1),
  from: instant,
  to: instant,
  rows: count,
  flaws: z.record(z.enum(flaws), count),
  gaps: z.array(z.strictObject({ from: instant, to: instant })),
  checks: z.array(
    z.strictObject({
      name: z.enum(checkNames),
      ok: z.boolean(),
      found: z.number(),
      limit: z.number(),
      detail: z.string(),
    }),
  ),
  files: z.record(z.string(), z.strictObject({ bytes: count, sha256: z.string() })),
})

export function parseDatasetManifest(bytes: Uint8Array): DatasetManifest {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    throw new Fault('dataset.manifest', 'dataset.json is not JSON', { cause })
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new Fault('dataset.manifest', `dataset.json: ${issue?.path.join('.')}: ${issue?.message}`)
}
