/**
 * A stretch of a coin's candles looked back on: what any label says of each of them, by the function that training's labels
 * come from. What it says of a candle follows from the candles that the label looks at, wherever the stretch begins.
 */
import { type Labels, labelled, lookbackCandles } from '../../../models/label.ts'
import type { Label } from '../../../models/manifest.ts'
import type { CandleState } from '../../../streams/candles/candle.ts'
import type { Millis } from '../../../streams/time.ts'
import type { Tx } from '../connection.ts'

export interface Seen extends Labels {
  /** Of every candle that the label looks at, added up: a correction of any raises it. */
  readonly revision: (at: number) => number
}

export interface Hindsight {
  readonly indexOf: (openAt: Millis) => number
  readonly by: (label: Label, horizon: number) => Seen
}

interface Row {
  readonly open_at: Millis
  readonly close: number | null
  readonly high: number | null
  readonly low: number | null
  readonly state: CandleState
  readonly revision: number
}

/** The candles of `[from, to)`; what was never stored is as unknown as what is missing. */
export async function lookBack(
  tx: Tx,
  coinId: number,
  intervalMs: Millis,
  from: Millis,
  to: Millis,
): Promise<Hindsight> {
  const rows = await tx<Row[]>`
    select open_at, close, high, low, state, revision from candle
    where coin_id = ${coinId} and open_at >= ${from} and open_at < ${to} order by open_at`
  const n = Math.ceil((to - from) / intervalMs)
  const [close, high, low] = [unknown(n), unknown(n), unknown(n)]
  /** Of the candles before each, added up. */
  const revised = new Float64Array(n + 1)
  let carried = rows[0]?.state === 'empty' ? await lastClose(tx, coinId, from) : Number.NaN
  let next = 0
  for (let i = 0; i < n; i++) {
    const row = rows[next]
    const isThere = row?.open_at === from + i * intervalMs
    if (isThere) next++
    revised[i + 1] = (revised[i] as number) + (isThere ? row.revision : 0)
    if (!isThere || row.state === 'missing') carried = Number.NaN
    else if (row.state !== 'empty') carried = row.close ?? Number.NaN
    const isTraded = isThere && row.state !== 'empty'
    close[i] = carried
    high[i] = isTraded ? (row.high ?? Number.NaN) : carried
    low[i] = isTraded ? (row.low ?? Number.NaN) : carried
  }
  const seen = new Map<string, Seen>()
  return {
    indexOf: (openAt) => Math.round((openAt - from) / intervalMs),
    by: (label, horizon) => {
      const key = `${horizon} ${JSON.stringify(label)}`
      const known = seen.get(key) ?? {
        ...labelled(label, horizon, { close, high, low }),
        revision: revisionOf(revised, label, horizon),
      }
      seen.set(key, known)
      return known
    },
  }
}

function unknown(n: number): Float64Array {
  return new Float64Array(n).fill(Number.NaN)
}

async function lastClose(tx: Tx, coinId: number, before: Millis): Promise<number> {
  const [row] = await tx<{ close: number | null }[]>`
    select last_close(${coinId}, ${before}::timestamptz) as close`
  return row?.close ?? Number.NaN
}

/** Labels of two closes look at their two candles, the others at all from their lookback on. */
function revisionOf(revised: Float64Array, label: Label, horizon: number): Seen['revision'] {
  const within = (from: number, to: number): number =>
    (revised[to + 1] as number) - (revised[from] as number)
  switch (label.kind) {
    case 'threshold':
    case 'return':
      return (at) => within(at, at) + within(at + horizon, at + horizon)
    case 'scaled_threshold':
    case 'triple_barrier':
    case 'volatility': {
      const lookback = lookbackCandles(label, horizon)
      return (at) => within(at - lookback, at + horizon)
    }
  }
}
