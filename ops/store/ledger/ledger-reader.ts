/** What the actors read back from a market's ledger: where they were, what they saw, and what they have yet to answer. */
import type { LedgerReader } from '../../../actors/ledger.ts'
import { healableReasons } from '../../../models/prediction.ts'
import type { Candle, CandleState } from '../../../streams/candles/candle.ts'
import type { Coin } from '../../../streams/coin.ts'
import type { Gap } from '../../../streams/gap.ts'
import type { Millis } from '../../../streams/time.ts'
import { textColumn } from '../columns.ts'
import type { Sql } from '../connection.ts'
import { faulted } from '../faults.ts'
import type { Names } from '../names.ts'

/** Read and made into objects in about 10 ms, during which nothing else has its turn. */
const pageRows = 2_000

export function openLedgerReader(sql: Sql, names: Names): LedgerReader {
  return {
    position: async (coin) => {
      const [found] = await faulted(
        () => sql<{ at: Millis }[]>`
          select p.at from stream_position p join coin c on c.id = p.coin_id where c.symbol = ${coin}`,
      )
      return found?.at
    },
    candles: (coin, from, to) => candlePages(sql, names, coin, from, to),
    candleRange: async (coin) => {
      const coinId = await names.coin(coin)
      const [found] = await faulted(
        () => sql<{ first: Millis | null; last: Millis | null; interval: number | null }[]>`
          select (select open_at from candle where coin_id = ${coinId} order by open_at limit 1) as first,
            (select open_at from candle where coin_id = ${coinId} order by open_at desc limit 1) as last,
            (select interval_ms from market) as interval`,
      )
      if (!found || found.first === null || found.last === null) return undefined
      return { from: found.first, to: found.last + (found.interval ?? 0) }
    },
    snapshot: async (coin, hash, at) => {
      const [coinId, setId] = [await names.coin(coin), await names.featureSet(hash)]
      const [found] = await faulted(
        () => sql<{ at: Millis; state: Uint8Array }[]>`
          select at, state from engine_snapshot
          where coin_id = ${coinId} and set_id = ${setId} and at <= ${at} order by at desc limit 1`,
      )
      return found && { at: found.at, state: found.state }
    },
    origins: async (coin, hash) => {
      const [coinId, setId] = [await names.coin(coin), await names.featureSet(hash)]
      const rows = await faulted(
        () => sql<{ at: Millis }[]>`
          select at from engine_snapshot
          where coin_id = ${coinId} and set_id = ${setId} and is_origin order by at`,
      )
      return rows.map(({ at }) => at)
    },
    dropSnapshots: async (coin, after) => {
      const coinId = await names.coin(coin)
      await faulted(
        () => sql`delete from engine_snapshot where coin_id = ${coinId} and at > ${after}`,
      )
    },
    openGaps: async (coin) => {
      const coinId = await names.coin(coin)
      const rows = await faulted(
        () => sql<Gap[]>`
          select ${coin} as coin, from_at as "from", to_at as "to", cause from gap
          where coin_id = ${coinId} and healed_at is null and unhealable_at is null order by from_at`,
      )
      return [...rows]
    },
    unanswered: async (version, from, to, limit) => {
      const [coinId, versionId] = [await names.coin(version.coin), await names.version(version)]
      const rows = await faulted(
        () => sql<{ open_at: Millis }[]>`
          select distinct c.open_at
          from pointer q join version v on v.id = q.version_id
          join candle c on c.coin_id = ${coinId} and c.open_at >= greatest(q.from_at, v.kept_from)
            and (q.until_at is null or c.open_at < q.until_at)
          where q.version_id = ${versionId} and c.open_at >= ${from} and c.open_at < ${to}
            and not exists (
              select from prediction p where p.version_id = ${versionId} and p.open_at = c.open_at)
            and not exists (
              select from hole h
              where h.lane_id = q.lane_id and h.slot = q.slot and h.open_at = c.open_at and h.healed_at is null
                and h.reason <> all(${textColumn(healableReasons, (it) => it)}::text[]))
          order by c.open_at limit ${limit}`,
      )
      return rows.map((row) => row.open_at)
    },
  }
}

async function* candlePages(
  sql: Sql,
  names: Names,
  coin: Coin,
  from: Millis,
  to: Millis,
): AsyncGenerator<readonly Candle[]> {
  const coinId = await names.coin(coin)
  let at = from
  while (at < to) {
    const rows = await faulted(
      () => sql<CandleColumns[]>`
        select open_at, open, high, low, close, volume, quote_volume, taker_buy_volume, trades, state, revision
        from candle where coin_id = ${coinId} and open_at >= ${at} and open_at < ${to}
        order by open_at limit ${pageRows}`,
    )
    const last = rows.at(-1)
    if (!last) return
    yield rows.map((row) => candleOf(coin, row))
    if (rows.length < pageRows) return
    at = last.open_at + 1
  }
}

interface CandleColumns {
  readonly open_at: Millis
  readonly open: number | null
  readonly high: number | null
  readonly low: number | null
  readonly close: number | null
  readonly volume: number
  readonly quote_volume: number | null
  readonly taker_buy_volume: number | null
  readonly trades: number | null
  readonly state: CandleState
  readonly revision: number
}

function candleOf(coin: Coin, row: CandleColumns): Candle {
  return {
    coin,
    openAt: row.open_at,
    open: row.open ?? Number.NaN,
    high: row.high ?? Number.NaN,
    low: row.low ?? Number.NaN,
    close: row.close ?? Number.NaN,
    volume: row.state === 'missing' ? Number.NaN : row.volume,
    quoteVolume: row.quote_volume ?? Number.NaN,
    takerBuyVolume: row.taker_buy_volume ?? Number.NaN,
    trades: row.trades ?? Number.NaN,
    state: row.state,
    revision: row.revision,
  }
}
