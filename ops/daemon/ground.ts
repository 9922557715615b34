/** What a daemon is given, and what it stands on once its port is bound, its store open and its lease taken. */
import type { Pace } from '../../streams/feeds/pace.ts'
import type { Clock, Millis } from '../../streams/time.ts'
import type { Served } from '../api/serve.ts'
import type { ChosenMarket } from '../choose-market.ts'
import type { Config } from '../config/schema.ts'
import type { DataDirectory } from '../store/data-directory.ts'
import type { FolderLock } from '../store/folder-lock.ts'
import type { Lease } from '../store/lease.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'

export interface DaemonOptions {
  readonly config: Config
  readonly directory: DataDirectory
  readonly lock: FolderLock
  readonly clock: Clock
  readonly random: () => number
  readonly cores: number
  readonly log: Log
  /** Tells the person at the terminal how the start goes. */
  readonly say: (text: string) => void
  readonly version: string
  readonly inferenceEntry?: string
  /** Settles when it is to stop, however far it has come with its start. */
  readonly interrupted?: Promise<unknown>
}

export interface Footing extends DaemonOptions {
  readonly startedAt: Millis
  readonly served: Served
  readonly pace: Pace
}

export interface Ground extends Footing {
  readonly market: ChosenMarket
  readonly store: Store
  readonly lease: Lease
}
