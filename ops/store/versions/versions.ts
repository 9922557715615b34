/**
 * The versions a market knows and the slots they hold. A version is registered once per lane, by the hash of its bytes,
 * and gets the lane's next number; slots change by rows that are closed and opened in one transaction.
 */
import type { Verdict } from '../../../models/judging/verdict.ts'
import { horizonMs, intervalMs, type Manifest } from '../../../models/manifest.ts'
import type { Lane, Slot, Version } from '../../../models/version.ts'
import type { Coin } from '../../../streams/coin.ts'
import { Fault } from '../../../streams/fault.ts'
import type { Millis } from '../../../streams/time.ts'
import type { Sql, Tx } from '../connection.ts'
import { faulted } from '../faults.ts'
import type { Names } from '../names.ts'
import { transact } from '../transact.ts'
import { giveSlot, lockLane } from './pointers.ts'

export interface Registration extends Lane {
  readonly sha256: string
  readonly manifest: Manifest
  readonly metrics: unknown
  /** The artifact's folder or address. */
  readonly artifact: string
}

export async function registerVersion(sql: Sql, names: Names, it: Registration): Promise<Version> {
  const laneId = await names.lane(it)
  const { label } = it.manifest
  const [up, down] = label.kind === 'volatility' ? [null, null] : [label.up, label.down]
  const isScalable = label.kind === 'scaled_threshold' || label.kind === 'triple_barrier'
  const lookback = isScalable ? label.lookback : undefined
  const lookbackMs = lookback === undefined ? null : lookback * intervalMs(it.manifest)
  const timeout = label.kind === 'triple_barrier' ? label.timeout : null
  const number = await faulted(() =>
    sql.begin(async (tx) => {
      // The lane gives out its numbers one after the other.
      await lockLane(tx, laneId)
      const [known] = await tx<{ number: number }[]>`
        select number from version where lane_id = ${laneId} and sha256 = ${it.sha256}`
      if (known) return known.number
      const [made] = await tx<{ number: number }[]>`
        insert into version (lane_id, number, sha256, manifest, metrics, horizon_ms, task, label_kind, label_up,
          label_down, label_lookback_ms, label_timeout, artifact)
        select ${laneId}, coalesce(max(number), 0) + 1, ${it.sha256}, ${json(tx, it.manifest)}, ${json(tx, it.metrics)},
          ${horizonMs(it.manifest)}, ${it.manifest.task}, ${label.kind}, ${up}, ${down},
          ${lookbackMs}, ${timeout}, ${it.artifact}
        from version where lane_id = ${laneId}
        returning number`
      return made?.number as number
    }),
  )
  return { coin: it.coin, family: it.family, version: number }
}

/**
 * From `from` on, a candle's opening, the slot is held by this version; nothing changes where it is already. A change
 * cannot lie before the slot's last one.
 */
export async function assignSlot(
  sql: Sql,
  names: Names,
  slot: Slot,
  version: Version,
  from: Millis,
): Promise<void> {
  const [laneId, versionId] = [await names.lane(version), await names.version(version)]
  await transact(sql, async (tx) => {
    await lockLane(tx, laneId)
    const [open] = await tx<{ version_id: number; from_at: Millis }[]>`
      select version_id, from_at from pointer
      where lane_id = ${laneId} and slot = ${slot} and until_at is null`
    if (open?.version_id === versionId) return
    if (open && open.from_at > from)
      throw new Fault('store.constraint', `slot ${slot} was given to another version after that`)
    await giveSlot(tx, laneId, slot, versionId, from)
    await tx`update version set state = 'serving' where id = ${versionId}`
  })
}

/** Where an artifact was registered from. */
export async function artifactOf(sql: Sql, names: Names, version: Version): Promise<string> {
  const versionId = await names.version(version)
  const [found] = await faulted(
    () => sql<{ artifact: string }[]>`select artifact from version where id = ${versionId}`,
  )
  return found?.artifact as string
}

/** Families of the coin that came with a version published from outside. */
export async function guestFamilies(
  sql: Sql,
  names: Names,
  coin: Coin,
): Promise<readonly string[]> {
  const coinId = await names.coin(coin)
  const rows = await faulted(
    () => sql<{ family: string }[]>`
      select family from lane where coin_id = ${coinId} and is_guest order by id`,
  )
  return rows.map(({ family }) => family)
}

export async function markGuest(sql: Sql, names: Names, lane: Lane): Promise<void> {
  const laneId = await names.lane(lane)
  await faulted(() => sql`update lane set is_guest = true where id = ${laneId} and not is_guest`)
}

/** Beside a version of which nothing has been said yet. */
export async function giveVerdict(
  sql: Sql,
  names: Names,
  version: Version,
  verdict: Verdict,
): Promise<void> {
  const versionId = await names.version(version)
  await faulted(
    () => sql`
      update version set verdict = ${JSON.stringify(verdict)}::text::jsonb
      where id = ${versionId} and verdict is null`,
  )
}

/** What the gate said of it when it was last judged. */
export async function verdictOf(
  sql: Sql,
  names: Names,
  version: Version,
): Promise<Verdict | undefined> {
  const versionId = await names.version(version)
  const [found] = await faulted(
    () => sql<{ verdict: Verdict | null }[]>`select verdict from version where id = ${versionId}`,
  )
  return found?.verdict ?? undefined
}

/** Through text: a manifest is read from JSON, so it is JSON, whatever its type says of undefined fields. */
function json(tx: Tx, value: unknown) {
  return tx`${JSON.stringify(value ?? null)}::text::jsonb`
}
