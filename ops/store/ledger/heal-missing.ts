/**
 * Candles that are on record as missing, healed by some that come from elsewhere, as the fleet heals its own: each is a
 * correction, the engine's states after it are forgotten, and what they cover of a gap is closed. The next start answers
 * what versions have left open there. A running daemon would go on with what it knows: this is for where there is none.
 */
import type { LedgerEntry, LedgerWriter } from '../../../actors/ledger.ts'
import type { Candle } from '../../../streams/candles/candle.ts'
import type { Coin } from '../../../streams/coin.ts'
import type { Gap } from '../../../streams/gap.ts'
import { floorTo, type Millis } from '../../../streams/time.ts'
import { faulted } from '../faults.ts'
import type { Store } from '../store.ts'

/** Those of `candles` in whose place there is a missing one, as what it is to be corrected to. */
export async function overMissing(
  { sql, names }: Pick<Store, 'sql' | 'names'>,
  coin: Coin,
  candles: readonly Candle[],
): Promise<readonly Candle[]> {
  const [first, last] = [candles[0], candles.at(-1)]
  if (!first || !last) return []
  const coinId = await names.coin(coin)
  const rows = await faulted(
    () => sql<{ at: Millis; revision: number }[]>`
      select open_at as at, revision from candle
      where coin_id = ${coinId} and state = 'missing'
        and open_at between ${first.openAt}::timestamptz and ${last.openAt}::timestamptz`,
  )
  const revisions = new Map(rows.map(({ at, revision }) => [at, revision + 1]))
  return candles.flatMap((candle) => {
    const revision = revisions.get(candle.openAt)
    if (revision === undefined) return []
    return [{ ...candle, revision, state: candle.state === 'empty' ? 'empty' : 'corrected' }]
  })
}

/** Snapshots go first: ended in between, what is left is a longer way for the next start. */
export async function writeOverMissing(
  { reader }: Pick<Store, 'reader'>,
  writer: LedgerWriter,
  coin: Coin,
  candles: readonly Candle[],
): Promise<void> {
  const [first] = candles
  if (!first) return
  await reader.dropSnapshots(coin, first.openAt)
  const entries = candles.map((candle): LedgerEntry => ({ type: 'candle', candle }))
  await writer.commit(entries, () => first.openAt)
}

/** What every candle of `[from, to)` is known of now. */
export async function closeGaps(
  { sql, names, intervalMs }: Pick<Store, 'sql' | 'names' | 'intervalMs'>,
  writer: LedgerWriter,
  coin: Coin,
  { from, to }: { readonly from: Millis; readonly to: Millis },
): Promise<void> {
  const coinId = await names.coin(coin)
  const gaps = await faulted(
    () => sql<Gap[]>`
      select ${coin} as coin, from_at as "from", to_at as "to", cause from gap
      where coin_id = ${coinId} and healed_at is null
        and from_at < ${to}::timestamptz and to_at > ${from}::timestamptz order by from_at`,
  )
  if (gaps.length === 0) return
  const entries = gaps.map((gap): LedgerEntry => {
    const start = Math.max(from, floorTo(gap.from, intervalMs))
    const end = Math.min(to, floorTo(gap.to - 1, intervalMs) + intervalMs)
    return { type: 'gap', gap: { ...gap, from: start, to: end }, fate: 'healed' }
  })
  const now = await newestTime({ sql }, coinId)
  await writer.commit(entries, () => now)
}

/** Market time as far as it is on record: not before any version has looked at the past, or it would not look again. */
async function newestTime({ sql }: Pick<Store, 'sql'>, coinId: number): Promise<Millis> {
  const [newest] = await faulted(
    () => sql<{ at: Millis }[]>`
      select greatest(
        (select open_at from candle where coin_id = ${coinId} order by open_at desc limit 1)
          + (select interval_ms from market) * interval '1 millisecond',
        (select max(v.backfilled_at) from version v join lane l on l.id = v.lane_id where l.coin_id = ${coinId})) as at`,
  )
  return newest?.at ?? 0
}
