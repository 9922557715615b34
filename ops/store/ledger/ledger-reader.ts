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

/** Each column as one JSON array: read by long stretches, a row for each candle costs several times as much. */
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
    const [page] = await faulted(
      () => sql<CandlePage[]>`
        select json_agg(extract(epoch from open_at) * 1000) as open_at, json_agg(open) as open, json_agg(high) as high,
          json_agg(low) as low, json_agg(close) as close, json_agg(volume) as volume,
          json_agg(quote_volume) as quote_volume, json_agg(taker_buy_volume) as taker_buy_volume,
          json_agg(trades) as trades, json_agg(state) as state, json_agg(revision) as revision
        from (
          select * from candle where coin_id = ${coinId} and open_at >= ${at} and open_at < ${to}
          order by open_at limit ${pageRows}) c`,
    )
    const last = page?.open_at?.at(-1)
    if (page?.open_at == null || last === undefined) return
    yield page.open_at.map((openAt, i) => candleAt(coin, page, openAt, i))
    if (page.open_at.length < pageRows) return
    at = last + 1
  }
}

type Numbers = readonly (number | null)[]

interface CandlePage {
  /** Null where there is no candle. */
  readonly open_at: readonly Millis[] | null
  readonly open: Numbers
  readonly high: Numbers
  readonly low: Numbers
  readonly close: Numbers
  readonly volume: Numbers
  readonly quote_volume: Numbers
  readonly taker_buy_volume: Numbers
  readonly trades: Numbers
  readonly state: readonly CandleState[]
  readonly revision: readonly number[]
}

function candleAt(coin: Coin, page: CandlePage, openAt: Millis, i: number): Candle {
  const number = (column: Numbers): number => column[i] ?? Number.NaN
  const state = page.state[i] as CandleState
  return {
    coin,
    openAt,
    open: number(page.open),
    high: number(page.high),
    low: number(page.low),
    close: number(page.close),
    volume: state === 'missing' ? Number.NaN : number(page.volume),
    quoteVolume: number(page.quote_volume),
    takerBuyVolume: number(page.taker_buy_volume),
    trades: number(page.trades),
    state,
    revision: page.revision[i] as number,
  }
}
