/**
 * What a stretch of the ledger says, as one hash per kind of row: the rows in key order, without when they were made and
 * how long that took. Two runs over the same tape agree in these or one of them is wrong.
 */
import { createHash } from 'node:crypto'
import type { Millis } from '../../../streams/time.ts'
import type { Fragment, Sql } from '../connection.ts'
import { faulted } from '../faults.ts'

export interface Digest {
  readonly count: number
  readonly digest: string
}

export interface LedgerDigest {
  readonly candles: Digest
  readonly features: Digest
  readonly predictions: Digest
}

const rowsAtOnce = 2_000

export async function digestLedger(sql: Sql, from: Millis, to: Millis): Promise<LedgerDigest> {
  const within = sql`open_at >= ${from} and open_at < ${to}`
  const candles = sql`
    select symbol, open_at, open, high, low, close, volume, quote_volume, taker_buy_volume, trades, state, revision
    from candle join coin on coin.id = coin_id where ${within} order by symbol, open_at`
  const features = sql`
    select symbol, open_at, hash, whole, state, after_gap, values
    from feature join coin on coin.id = coin_id join feature_set on feature_set.id = set_id
    where ${within} order by symbol, open_at, hash`
  const predictions = sql`
    select symbol, family, number, open_at, sell, hold, buy, value, mode, signal, hash,
      encode(input_hash, 'hex') as input_hash, encode(trace_id, 'hex') as trace_id, flags
    from prediction
      join version on version.id = version_id join lane on lane.id = lane_id join coin on coin.id = coin_id
      join feature_set on feature_set.id = set_id
    where ${within} order by symbol, family, number, open_at`
  return {
    candles: await digest(candles),
    features: await digest(features),
    predictions: await digest(predictions),
  }
}

async function digest(query: Fragment): Promise<Digest> {
  const sum = createHash('sha256')
  let count = 0
  await faulted(async () => {
    for await (const rows of query.cursor(rowsAtOnce)) {
      // JSON writes the shortest text that reads back as the same double, so equal text means equal bits.
      for (const row of rows) sum.update(`${JSON.stringify(Object.values(row))}\n`)
      count += rows.length
    }
  })
  return { count, digest: sum.digest('hex') }
}
