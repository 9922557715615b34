/** All that commands touch outside themselves, so that a test can be the world. `main.ts` makes the real one. */
import type { Coin } from '../../streams/coin.ts'
import type { Clock, Millis } from '../../streams/time.ts'
import type { VersionControls } from '../api/deps.ts'
import type { TrainingRunBody } from '../api/routes/training.ts'
import type { Environment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import type { EvaluationReport } from '../evaluation/comparison.ts'
import type { ExportTable } from '../store/files/export.ts'
import type { StoreReads } from '../store/reads/reads.ts'
import type { Output } from '../telemetry/terminal.ts'
import type { Probes } from './probes.ts'

export interface World {
  readonly out: Output
  readonly err: Output
  readonly env: Environment
  readonly clock: Clock
  readonly version: string
  /** The daemon that holds a data directory. */
  readonly holder: (dataPath: string) => Holder | undefined
  /** The token kept in a data directory; undefined where there is none or it may not be read. */
  readonly token: (dataPath: string) => string | undefined
  readonly fetch: typeof fetch
  /** The plain files under a folder, by their path in it. `usage.folder` where there is none. */
  readonly readFolder: (path: string) => Promise<ReadonlyMap<string, Uint8Array>>
  /** Asks a process to end. */
  readonly terminate: (pid: number) => void
  readonly openMarket: OpenMarket
  readonly probes: Probes
  readonly daemon: DaemonEntry
}

export interface Holder {
  readonly pid: number
  readonly address: string | null
}

/** A market's store without a daemon. `store.absent` where nothing was ever stored. */
export type OpenMarket = (dataPath: string, config: Config) => Promise<OpenedMarket>

export interface OpenedMarket {
  /** An exchange, or the tape. */
  readonly source: string
  readonly reads: StoreReads
  /** What is asked of them is written down for the next start. */
  readonly versions: VersionControls
  readonly close: () => Promise<void>
}

export type Progress = (done: number, of: number) => void

/** Long work and the daemon itself, loaded when they are asked for: the commands that only ask start quickly. */
export interface DaemonEntry extends StoreWork {
  readonly run: (options: RunOptions) => Promise<number>
  readonly replay: (options: ReplayOptions) => Promise<object>
}

/** Work on a market's store, beside a running daemon or without one. Each answers what the command prints. */
export interface StoreWork {
  readonly importFile: (options: ImportOptions) => Promise<object & { readonly missing: number }>
  readonly backfill: (options: BackfillOptions) => Promise<object>
  readonly exportTable: (options: ExportOptions) => Promise<object>
  readonly dataset: (options: DatasetOptions) => Promise<object>
  readonly backup: (options: CopyOptions) => Promise<object>
  readonly restore: (options: CopyOptions) => Promise<object>
  /** Without a daemon; with one it is asked. */
  readonly train: (options: TrainOptions) => Promise<TrainingRunBody>
  readonly cancelTraining: (options: CancelTrainingOptions) => Promise<TrainingRunBody>
  readonly evaluate: (options: EvaluateOptions) => Promise<EvaluationReport>
}

export interface RunOptions {
  readonly config: Config
  readonly dataPath: string
  readonly json: boolean
}

export interface ReplayOptions {
  readonly config: Config
  readonly file: string | null
  readonly seed: number
  readonly candles: number
  readonly shuffleSeed: number | undefined
  readonly progress: Progress
  readonly say: (text: string) => void
}

interface WorkOptions {
  readonly config: Config
  readonly dataPath: string
  readonly progress: Progress
}

export interface ImportOptions extends WorkOptions {
  readonly file: string
  readonly coin: Coin
}

export interface BackfillOptions extends WorkOptions {
  readonly coin: Coin
  readonly family: string | undefined
  readonly from: Millis | undefined
  readonly to: Millis | undefined
}

export interface EvaluateOptions extends WorkOptions {
  readonly coin: Coin
  readonly family: string
  /** The newest where none is named. */
  readonly version: number | undefined
  /** Who answers for the lane where none is named. */
  readonly against: number | undefined
  /** The newest so many, unless it is said from when. */
  readonly days: number
  readonly from: Millis | undefined
  readonly to: Millis | undefined
  /** On what both have said of live candles, instead of on what they would have said. */
  readonly ledger?: boolean
  /** Folders in the place of versions, on a tape. */
  readonly artifact?: string
  readonly champion?: string
}

export interface ExportOptions extends WorkOptions {
  readonly table: ExportTable
  readonly file: string
  readonly coin: Coin | undefined
  readonly from: Millis | undefined
  readonly to: Millis | undefined
}

export interface DatasetOptions extends WorkOptions {
  readonly coin: Coin
  /** The folder that it becomes. */
  readonly out: string
  readonly from: Millis | undefined
  readonly to: Millis | undefined
  /** Whose columns, label and horizon; without one every column that models may read. */
  readonly family: string | undefined
  /** As JSON, another label than the family's. */
  readonly label: string | undefined
  readonly horizon: Millis | undefined
  /** A folder that `dvc pull` fetches from. */
  readonly dvc: string | undefined
}

export interface CopyOptions extends WorkOptions {
  readonly file: string
}

export interface TrainOptions extends Omit<WorkOptions, 'progress'> {
  readonly coin: Coin
  readonly family: string
  readonly rows: number | undefined
  readonly trials: number | undefined
  readonly seed: number | undefined
  /** The configuration says where this does not. */
  readonly warmStart: boolean | undefined
  /** How it stands, from time to time. */
  readonly heard: (run: TrainingRunBody) => void
}

export interface CancelTrainingOptions extends Omit<WorkOptions, 'progress'> {
  readonly run: number
}
