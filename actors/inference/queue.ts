/**
 * The pool's queue: jobs by model, live ones before backfill, the model that has waited longest first. Bounded by rows and
 * by numbers held; backfill may fill half of it, so that it never shuts out live work.
 */
import type { Infer } from './inference.ts'

export interface Job {
  readonly infer: Infer
  readonly model: number
  /** How many children died while they may have been at it. */
  readonly kills: number
  /** To be run by itself, because it may be what killed a child or failed a run. */
  readonly alone: boolean
}

/** What one `session.run` will take together. */
export interface Run {
  readonly model: number
  readonly rows: number
  readonly jobs: readonly Job[]
}

export interface QueueLimits {
  readonly rowsMax: number
  /** Of float32. */
  readonly numbersMax: number
}

export interface BundleLimits {
  /** Of one model together. */
  readonly runRowsMax: number
  readonly runsMax: number
  readonly rowsMax: number
  /** Expected computing time, so that slow models come in small bundles and nobody waits long behind one. */
  readonly msMax: number
}

type Lines = Map<number, Job[]>

export class JobQueue {
  readonly #limits: QueueLimits
  readonly #live: Lines = new Map()
  readonly #backfill: Lines = new Map()
  #rows = 0
  #numbers = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  get rows(): number {
    return this.#rows
  }

  get isEmpty(): boolean {
    return this.#rows === 0
  }

  /** False when it is full. A queue that is empty takes a job of any size. */
  offer(job: Job): boolean {
    const share = job.infer.urgency === 'live' ? 1 : 0.5
    const rows = this.#rows + job.infer.rows
    const numbers = this.#numbers + job.infer.inputs.length
    const fits = rows <= this.#limits.rowsMax * share && numbers <= this.#limits.numbersMax * share
    if (!fits && !this.isEmpty) return false
    const lines = this.#lines(job)
    const line = lines.get(job.model)
    if (line === undefined) lines.set(job.model, [job])
    else line.push(job)
    this.#count(job, 1)
    return true
  }

  /** Work that was already taken comes back to the front, over the bound. */
  giveBack(jobs: readonly Job[]): void {
    for (const job of jobs.toReversed()) {
      const lines = this.#lines(job)
      lines.set(job.model, [job, ...(lines.get(job.model) ?? [])])
      this.#count(job, 1)
    }
  }

  /** The next bundle's runs among the models that are here, or of only one; empty when there are none. */
  take(
    urgency: Infer['urgency'],
    only: number | null,
    isHere: (model: number) => boolean,
    msPerRow: (model: number) => number,
    limits: BundleLimits,
  ): readonly Run[] {
    const lines = urgency === 'live' ? this.#live : this.#backfill
    const runs: Run[] = []
    let rows = 0
    let ms = 0
    for (const model of only === null ? lines.keys() : [only]) {
      const line = lines.get(model)
      if (line === undefined || !isHere(model)) continue
      const alone = line[0]?.alone === true
      if (alone && runs.length > 0) continue
      const run = this.#cut(model, line, limits.runRowsMax)
      runs.push(run)
      lines.delete(model)
      if (run.jobs.length < line.length) lines.set(model, line.slice(run.jobs.length))
      rows += run.rows
      ms += run.rows * msPerRow(model)
      if (alone || runs.length >= limits.runsMax || rows >= limits.rowsMax || ms >= limits.msMax)
        break
    }
    return runs
  }

  has(model: number): boolean {
    return this.#live.has(model) || this.#backfill.has(model)
  }

  /** Takes out what matches, for good. */
  remove(model: number, matches: (job: Job) => boolean): readonly Job[] {
    const removed: Job[] = []
    for (const lines of [this.#live, this.#backfill]) {
      const line = lines.get(model)
      if (line === undefined) continue
      const kept = line.filter((job) => !matches(job))
      removed.push(...line.filter(matches))
      if (kept.length === 0) lines.delete(model)
      else lines.set(model, kept)
    }
    for (const job of removed) this.#count(job, -1)
    return removed
  }

  clear(): readonly Job[] {
    const models = new Set([...this.#live.keys(), ...this.#backfill.keys()])
    return [...models].flatMap((model) => this.remove(model, () => true))
  }

  /** Jobs from the head of a line, whole ones, up to the bound, at least one. */
  #cut(model: number, line: readonly Job[], rowsMax: number): Run {
    const jobs: Job[] = []
    let rows = 0
    for (const job of line) {
      const fits = jobs.length === 0 || (!job.alone && rows + job.infer.rows <= rowsMax)
      if (!fits) break
      jobs.push(job)
      rows += job.infer.rows
      this.#count(job, -1)
      if (job.alone) break
    }
    return { model, rows, jobs }
  }

  #lines(job: Job): Lines {
    return job.infer.urgency === 'live' ? this.#live : this.#backfill
  }

  #count(job: Job, sign: 1 | -1): void {
    this.#rows += sign * job.infer.rows
    this.#numbers += sign * job.infer.inputs.length
  }
}
