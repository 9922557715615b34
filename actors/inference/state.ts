/** What the pool holds: models, waiting jobs, children with what is under way in each. */
import type { Address } from '../protocol.ts'
import type { Bundle } from './blame.ts'
import { fail, type Quarantined } from './inference.ts'
import { type Model, Models } from './models.ts'
import { type BundleLimits, type Job, JobQueue, type QueueLimits } from './queue.ts'
import type { Give } from './wire.ts'

export interface PoolOptions {
  readonly queue: QueueLimits
  readonly bundle: BundleLimits
  /** Bundles under way in a child; backfill leaves the last place to live work. */
  readonly underWayMax: number
  readonly quarantined: Quarantined
}

/** 256 MiB of rows at the most; bundles of about ten milliseconds. */
export const poolDefaults: Omit<PoolOptions, 'quarantined'> = {
  queue: { rowsMax: 65_536, numbersMax: 64 * 1024 * 1024 },
  bundle: { runRowsMax: 64, runsMax: 64, rowsMax: 256, msMax: 10 },
  underWayMax: 4,
}

export interface Child {
  readonly number: number
  readonly epoch: number
  readonly address: Address<Give>
  /** In the order in which they were given, which is the order in which they are done. */
  underWay: Bundle[]
  /** Not heard from for a while; it gets nothing new until it is. */
  stalled: boolean
  /** Who is at home here. */
  readonly models: Set<Model>
  /** Those of them that wait to be opened. */
  readonly toOpen: Set<Model>
}

export interface Pool {
  readonly options: PoolOptions
  readonly models: Models
  readonly queue: JobQueue
  readonly children: Map<number, Child>
  /** Versions that have killed, by name, with the reason; until they are loaded anew. */
  readonly quarantined: Map<string, string>
  /** How many bundles were ever given; the next one's number. */
  bundles: number
}

export function emptyPool(options: PoolOptions): Pool {
  return {
    options,
    models: new Models(),
    queue: new JobQueue(options.queue),
    children: new Map(),
    quarantined: new Map(),
    bundles: 0,
  }
}

export function unanswered(bundle: Bundle): readonly Job[] {
  return bundle.runs.slice(bundle.answered).flatMap((run) => run.jobs)
}

/** Work comes back to wait again. A version may have been unloaded or set aside while its work was under way. */
export function giveBack(pool: Pool, jobs: readonly Job[]): void {
  const isKnown = (job: Job): boolean => pool.models.of(job.infer.version)?.number === job.model
  pool.queue.giveBack(jobs.filter(isKnown))
  for (const job of jobs.filter((it) => !isKnown(it))) {
    fail(job.infer, 'inference.unloaded', 'it was unloaded meanwhile')
  }
}
