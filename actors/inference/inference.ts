/**
 * What may be said to the inference pool, and what it answers. Every `infer` that was taken gets exactly one answer,
 * `inferred` or `inferFailed`, however many children die over it.
 */
import type { Artifact } from '../../models/artifact.ts'
import { inputWidth } from '../../models/manifest.ts'
import type { Version } from '../../models/version.ts'
import type { Address } from '../protocol.ts'

export type InferenceCommand = Load | Unload | Infer

/** Live work goes first; backfill takes what is left. */
export type Urgency = 'live' | 'backfill'

/**
 * Brings a version's artifact into a child: verified, opened, warmed by its golden rows. Said again, it is answered again.
 * It also ends a quarantine of this version.
 */
export interface Load {
  readonly type: 'load'
  readonly version: Version
  readonly artifact: ArtifactRef
  readonly replyTo: Address<Loaded | LoadRefused>
}

/** What the pool must know of an artifact; taken from an `Artifact` by `artifactRef`. */
export interface ArtifactRef {
  readonly folder: string
  readonly sha256: string
  /** Numbers in one row of input. */
  readonly inputWidth: number
}

export interface Unload {
  readonly type: 'unload'
  readonly version: Version
}

export interface Infer {
  readonly type: 'infer'
  /** The asker's own; comes back with the answer. */
  readonly id: number
  readonly version: Version
  readonly urgency: Urgency
  readonly rows: number
  /** The rows one after the other, each as wide as the artifact's input. Not to be changed until the answer has come. */
  readonly inputs: Float32Array
  /** Where each row begins in `inputs`, when they stand otherwise: windows of neighbouring candles overlap. */
  readonly starts?: Uint32Array | undefined
  readonly replyTo: Address<Inferred | InferFailed>
}

export interface Loaded {
  readonly type: 'loaded'
  readonly version: Version
  readonly sha256: string
}

export interface LoadRefused {
  readonly type: 'loadRefused'
  readonly version: Version
  /** `artifact.hash`, `artifact.golden` … or `inference.quarantined`. */
  readonly code: string
  readonly reason: string
}

export interface Inferred {
  readonly type: 'inferred'
  readonly id: number
  readonly version: Version
  /** The output tensor, row by row; `models/signal.ts` reads it. */
  readonly outputs: Float32Array
  /** Milliseconds of computing for the bundle it was in. */
  readonly inferMs: number
  /** Rows that were computed in that time; another asker's may be among them. */
  readonly inferRows: number
}

export interface InferFailed {
  readonly type: 'inferFailed'
  readonly id: number
  readonly version: Version
  /**
   * `inference.full` and `inference.stopped`: ask again later. `inference.unloaded`: load it first.
   * `inference.quarantined`: it has killed children. `inference.refused`: the model's own fault.
   */
  readonly code: InferFailure
  readonly reason: string
  readonly retryable: boolean
}

export type InferFailure =
  | 'inference.full'
  | 'inference.stopped'
  | 'inference.unloaded'
  | 'inference.quarantined'
  | 'inference.refused'

/** Who hears that a version has been set aside, so that its actor and lane are too. */
export type Quarantined = (version: Version, reason: string) => void

export function artifactRef({ folder, sha256, manifest }: Artifact): ArtifactRef {
  return { folder, sha256, inputWidth: inputWidth(manifest.input) }
}

/** Only a full queue and a stopped pool pass by themselves. */
export function fail(infer: Infer, code: InferFailure, reason: string): void {
  const { id, version, replyTo } = infer
  const retryable = code === 'inference.full' || code === 'inference.stopped'
  replyTo.tell({ type: 'inferFailed', id, version, code, reason, retryable })
}

/** Why these inputs are not the rows that they are said to be. */
export function whyNotRows(
  { rows, inputs, starts }: Pick<Infer, 'rows' | 'inputs' | 'starts'>,
  width: number,
): string | undefined {
  if (rows >= 1 && starts === undefined && inputs.length === rows * width) return undefined
  if (rows >= 1 && starts?.length === rows && starts.every((it) => it + width <= inputs.length))
    return undefined
  return `${inputs.length} numbers are not ${rows} rows of ${width}`
}
