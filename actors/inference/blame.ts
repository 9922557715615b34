/**
 * Who is to blame when a child dies: a process takes its bundles in order, so it was at the oldest one that is not fully
 * answered. Of that one, each run may have been it: they are tried again, each by itself, until one kills again and is
 * poison. What stood behind it is innocent.
 */
import type { Job, Run } from './queue.ts'

export interface Bundle {
  readonly id: number
  /** The model that is to be opened; such a bundle has no runs. */
  readonly opening: number | null
  readonly runs: readonly Run[]
  /** How many runs have been answered. */
  readonly answered: number
}

export interface Verdict {
  /** To be given back to the queue, in order. */
  readonly again: readonly Job[]
  readonly poison: readonly Job[]
  /** The model that was being opened, if that is what it was at. */
  readonly opening: number | null
}

/** A job that two children died over is poison: one more attempt would cost a third. */
export const killsMax = 2

export function blame(underWay: readonly Bundle[]): Verdict {
  const [oldest, ...behind] = underWay
  const suspects = (oldest?.runs.slice(oldest.answered) ?? [])
    .flatMap((run) => run.jobs)
    .map((job): Job => ({ ...job, kills: job.kills + 1, alone: true }))
  return {
    again: [
      ...suspects.filter((job) => job.kills < killsMax),
      ...behind.flatMap((bundle) => bundle.runs.slice(bundle.answered).flatMap((run) => run.jobs)),
    ],
    poison: suspects.filter((job) => job.kills >= killsMax),
    opening: oldest?.opening ?? null,
  }
}
