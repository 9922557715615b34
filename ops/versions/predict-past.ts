/**
 * A version answers the history that is kept: all of it on its way to a slot, and what comes in behind it once it holds
 * one. Both go on where a crash left them, behind all live work.
 */

import type { Sink } from '../../actors/sink.ts'
import { backfill } from '../../actors/version/backfill.ts'
import { givingWay } from '../../actors/version/give-way.ts'
import type { Version } from '../../models/version.ts'
import { tell } from '../../streams/channels.ts'
import { Fault } from '../../streams/fault.ts'
import { featureSet } from '../../streams/features/set.ts'
import type { Feed } from '../../streams/feeds/feed.ts'
import type { Pace } from '../../streams/feeds/pace.ts'
import { type Clock, dayMs, type Millis } from '../../streams/time.ts'
import type { Swap } from '../../supervisor/fleet/lane-journal.ts'
import { isUnjudged } from '../../supervisor/fleet/reconcile.ts'
import type { Assembly } from '../assemble.ts'
import type { Config } from '../config/schema.ts'
import type { Store } from '../store/store.ts'
import {
  backfilled,
  beginBackfill,
  noteBackfilled,
  noteCaughtUp,
  owedHistory,
  type Stretch,
} from '../store/versions/backfills.ts'
import type { LaneRegistry } from './lane-registry.ts'

export interface PastNeeds {
  readonly config: Config
  readonly clock: Clock
  readonly feed: Feed
  readonly store: Store
  readonly lanes: LaneRegistry
  readonly assembly: Assembly
  readonly pace: Pace
}

/**
 * One that nobody has judged is compared with the newest on the same candles, so a newest that ships and has never
 * answered history answers it too.
 */
export async function predictForSwap(
  needs: PastNeeds,
  sink: Sink,
  { to, from, verdict }: Swap,
  signal: AbortSignal,
): Promise<void> {
  await predictPast(needs, sink, to, signal)
  // One that is held or set aside cannot, and nobody waits for it.
  if (!from || !isUnjudged(verdict) || needs.assembly.fleet.standing(from) !== 'present') return
  const { sql, names } = needs.store
  const kept = await keptHistory(needs, from)
  if (!kept || (await backfilled(sql, names, from)).from !== undefined) return
  await noteBackfilled(sql, names, from, kept.to)
  try {
    await catchUp(needs, sink, from, signal)
  } catch (error) {
    // The newest is no good on its past: no fault of the one that is to take over.
    if (!(error instanceof Fault) || error.retryable) throw error
    const { code, message: detail } = error
    tell('swap.troubled', { coin: from.coin, family: from.family, code, detail, attempt: 1 })
  }
}

/** Over the history that is kept, from where an earlier try has come to. */
async function predictPast(
  needs: PastNeeds,
  sink: Sink,
  version: Version,
  signal: AbortSignal,
): Promise<void> {
  const { sql, names } = needs.store
  const kept = await keptHistory(needs, version)
  if (!kept) return
  await beginBackfill(sql, names, version, { from: kept.from, at: needs.feed.now() })
  const { to: done = kept.from } = await backfilled(sql, names, version)
  const range = { from: Math.max(kept.from, done), to: kept.to }
  await predict(needs, sink, version, range, signal, (doneTo) =>
    noteBackfilled(sql, names, version, doneTo),
  )
}

/** Over what has come into the history that it has answered: further back, or where a gap was. */
export async function catchUp(
  needs: PastNeeds,
  sink: Sink,
  version: Version,
  signal: AbortSignal,
): Promise<void> {
  const { sql, names } = needs.store
  const kept = await keptHistory(needs, version)
  if (!kept) return
  const sight = { from: kept.from, at: needs.feed.now() }
  try {
    for (const { from, to } of await owedHistory(sql, names, version, kept.from)) {
      const range = { from: Math.max(from, kept.from), to: Math.min(to, kept.to) }
      await predict(needs, sink, version, range, signal)
    }
  } catch (error) {
    // What its model cannot answer it will not answer the next time either.
    if (error instanceof Fault && !error.retryable) await noteCaughtUp(sql, names, version, sight)
    throw error
  }
  await noteCaughtUp(sql, names, version, sight)
}

async function keptHistory(
  { store, config }: PastNeeds,
  { coin }: Version,
): Promise<Stretch | undefined> {
  const stored = await store.reader.candleRange(coin)
  const keptFrom = stored && stored.to - config.market.historyDays * dayMs
  return stored && { from: Math.max(stored.from, keptFrom as Millis), to: stored.to }
}

async function predict(
  { store, feed, assembly, clock, lanes, pace }: PastNeeds,
  sink: Sink,
  version: Version,
  range: Stretch,
  signal: AbortSignal,
  note: (doneTo: Millis) => Promise<void> = async () => {},
): Promise<void> {
  if (range.from >= range.to) return
  const path = assembly.fleet.versionPath(version)
  const ports = {
    source: feed.source,
    set: featureSet(store.intervalMs),
    features: assembly.features,
    pool: assembly.pool,
    sink,
    clock,
    giveWay: givingWay({
      market: () => feed.now(),
      answered: () => pace.slowest,
      intervalMs: store.intervalMs,
      clock,
    }),
    // Few: what lies between at a candle's end is what the candle waits for.
    underWayMax: 8,
    identity: () => ({ path, epoch: assembly.tree.epochAt(path) ?? 0 }),
  }
  const progress = async (doneTo: Millis, rows: number): Promise<void> => {
    await note(doneTo)
    tell('version.backfilling', { ...version, doneTo, ...range, rows })
  }
  await backfill(ports, version, await lanes.artifact(version), range, progress, signal)
}
