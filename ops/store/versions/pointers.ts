/**
 * Slots as a history: which version holds one from which candle on. A slot is given away by ending its last row and
 * opening another; a row that would have held it for no time at all leaves no trace.
 */
import type { Slot } from '../../../models/version.ts'
import { Fault } from '../../../streams/fault.ts'
import type { Millis } from '../../../streams/time.ts'
import type { Tx } from '../connection.ts'

/** Ids of the versions in `v1`, `v2` and `v3`. */
export type Holders = readonly [number | null, number | null, number | null]

/** Until the transaction ends nobody else moves the lane's slots, gives it a version or orders a swap. */
export async function lockLane(tx: Tx, laneId: number): Promise<void> {
  await tx`select from lane where id = ${laneId} for no key update`
}

/** As the last change has it, which may be for a candle to come. The lane is to be locked. */
export async function holdersOf(tx: Tx, laneId: number): Promise<Holders> {
  const rows = await tx<{ slot: Slot; version_id: number }[]>`
    select slot, version_id from pointer where lane_id = ${laneId} and until_at is null`
  const of = (slot: Slot): number | null =>
    rows.find((row) => row.slot === slot)?.version_id ?? null
  return [of('v1'), of('v2'), of('v3')]
}

/** The version that counts: in v3, else in v2, else in v1. */
export function newestOf([v1, v2, v3]: Holders): number | null {
  return v3 ?? v2 ?? v1
}

/** As PostgreSQL writes it. */
export function arrayOf(holders: Holders): string {
  return `{${holders.map((id) => id ?? 'null').join(',')}}`
}

/** From the candle that opens at `at` on; null leaves the slot empty. What was written for later candles is undone. */
export async function giveSlot(
  tx: Tx,
  laneId: number,
  slot: Slot,
  versionId: number | null,
  at: Millis,
): Promise<void> {
  await tx`delete from pointer where lane_id = ${laneId} and slot = ${slot} and from_at >= ${at}`
  const [last] = await tx<{ id: number; version_id: number; until_at: Millis | null }[]>`
    select id, version_id, until_at from pointer where lane_id = ${laneId} and slot = ${slot}
    order by from_at desc limit 1`
  const reaches = last !== undefined && (last.until_at ?? at) >= at
  if (reaches && last.version_id === versionId) {
    await tx`update pointer set until_at = null where id = ${last.id} and until_at is not null`
    return
  }
  if (reaches) await tx`update pointer set until_at = ${at} where id = ${last.id}`
  if (versionId === null) return
  await tx`
    insert into pointer (lane_id, version_id, slot, from_at) values (${laneId}, ${versionId}, ${slot}, ${at})`
}

/**
 * Holds the coin's place in the market still until the transaction ends, and makes sure that the candle which opens at
 * `at` is not in the ledger: nobody has answered it for the slots as they were.
 */
export async function holdMarket(tx: Tx, laneId: number, at: Millis): Promise<void> {
  const [position] = await tx<{ at: Millis }[]>`
    select p.at from stream_position p join lane l on l.coin_id = p.coin_id where l.id = ${laneId}
    for share of p`
  if (position && position.at > at)
    throw new Fault('swap.late', 'the candle of the cut has closed meanwhile', { retryable: true })
}
