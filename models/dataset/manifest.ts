/**
 * What a dataset says about itself: `dataset.json` beside `rows.parquet`, `profile.json` and `profile.html`. One coin, one
 * label, one row for every candle of the range in order, none left out: a window may reach over a row that is no example.
 *
 * Columns of `rows.parquet`: `open_at` (milliseconds, int64), `close` (double), `flaw` (int32, index in `flaws`), `return`
 * (double: of the close over the horizon), `target` (double: 0 sell, 1 hold, 2 buy, or the value), `naive` (double: what no
 * skill says of a value), then the features as float in the order of `columns`. What is unknown is NaN.
 */
import type { Label } from '../manifest.ts'

export const datasetFormat = 'starling-dataset/1'

/** Why a row is no example; the first that holds. `none` is a whole one. */
export const flaws = ['none', 'no_trades', 'gap', 'warmup', 'corrected', 'unlabelled'] as const
export type Flaw = (typeof flaws)[number]

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
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>
}

export interface Check {
  readonly name: 'rows' | 'nulls' | 'schema' | 'outliers' | 'duplicates' | 'freshness'
  readonly ok: boolean
  readonly found: number
  readonly limit: number
  /** In words, for whoever must mend it. */
  readonly detail: string
}
