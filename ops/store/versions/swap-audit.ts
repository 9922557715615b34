/**
 * What a swap did to its lane's candles, counted row against row from the candle at which it began to the one after its
 * cut: those with neither a prediction nor a hole, and those with both, in each slot by its history.
 */
import type { Millis } from '../../../streams/time.ts'
import type { Tx } from '../connection.ts'

export interface SwapAudit {
  readonly missed: number
  readonly twice: number
  /** Of live predictions by whoever held a slot. */
  readonly longest_wait_ms: number | null
}

export async function auditSwap(
  tx: Tx,
  laneId: number,
  from: Millis,
  to: Millis,
): Promise<SwapAudit> {
  const [audit] = await tx<SwapAudit[]>`
    with slot_candle as (
      select q.lane_id, q.slot, q.version_id, c.open_at
      from pointer q join lane l on l.id = q.lane_id
      join candle c on c.coin_id = l.coin_id and c.open_at >= q.from_at
        and (q.until_at is null or c.open_at < q.until_at)
      where q.lane_id = ${laneId} and c.open_at >= ${from} and c.open_at < ${to}
    ), answered as (
      select s.*, p.version_id is not null as predicted, h.slot is not null as left_open,
        case when p.mode = 'live' then p.wait_ms end as wait_ms
      from slot_candle s
      left join prediction p on p.version_id = s.version_id and p.open_at = s.open_at
      left join hole h on h.lane_id = s.lane_id and h.slot = s.slot and h.open_at = s.open_at
        and h.healed_at is null
    )
    select count(*) filter (where not predicted and not left_open)::int as missed,
      count(*) filter (where predicted and left_open)::int as twice,
      max(wait_ms)::float8 as longest_wait_ms
    from answered`
  return audit as SwapAudit
}
