/**
 * The port to where versions are kept and named: announce, fetch, and an alias as the truth. What it announces is a hint
 * and may be lost, doubled, late or wrong; what is desired is what it answers when it is asked. The embedded one is the
 * store's tables; another may be an MLflow server.
 */
import type { Verdict } from './judging/verdict.ts'
import type { Lane, Version } from './version.ts'

export interface Registry {
  /** Tells of lanes of which there may be news. Returns the way to stop hearing. */
  readonly watch: (hear: (lane: Lane) => void) => () => void
  /**
   * Registers an artifact folder in a lane. Verified first, kept by its sha256; the same bytes in the same lane are the
   * same version. It is wanted from now on where `activate` says so, and rejected where its verdict refuses it. A lane that
   * was never heard of is made.
   */
  readonly publish: (lane: Lane, folder: string, by: Publication) => Promise<Version>
  /** What the lane is to move to, undefined where it never said. */
  readonly desired: (lane: Lane) => Promise<Desired | undefined>
  /** The folder of its verified files, on this machine. */
  readonly fetch: (version: Version) => Promise<string>
}

export interface Publication {
  readonly verdict: Verdict | null
  /** The training run that made it. */
  readonly run: number | null
  readonly activate: boolean
}

export interface Desired {
  readonly version: Version
  /** Grows whenever the registry names another version. Repeating itself, it changes nothing, a rollback in between or not. */
  readonly generation: number
}
