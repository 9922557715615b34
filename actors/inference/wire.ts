/**
 * What passes between the pool, a child's actor and its process. Models go by small numbers, rows of a whole bundle in one
 * array: a message costs 40 to 70 µs whatever is in it, and a thousand small arrays cost more than one large one.
 */
import type { Address } from '../protocol.ts'

/** To the process. It does them in order, one at a time. */
export type WireCommand =
  | {
      readonly type: 'open'
      readonly bundle: number
      readonly model: number
      readonly folder: string
      readonly sha256: string
    }
  | { readonly type: 'close'; readonly model: number }
  | {
      readonly type: 'run'
      readonly bundle: number
      readonly runs: readonly { readonly model: number; readonly rows: number }[]
      /** The rows of all runs, one after the other. */
      readonly inputs: Float32Array
      /** Where each row begins, when some of them overlap. */
      readonly starts?: Uint32Array
    }

/** From the process. */
export type WireAnswer =
  | { readonly type: 'ready'; readonly rss: number }
  | { readonly type: 'opened'; readonly bundle: number; readonly rss: number }
  | {
      readonly type: 'refused'
      readonly bundle: number
      readonly code: string
      readonly reason: string
      readonly rss: number
    }
  | {
      /** The next runs of a bundle, in order; a bundle that takes long is answered in several pieces. */
      readonly type: 'ran'
      readonly bundle: number
      readonly results: readonly RunResult[]
      /** Outputs of all runs in `results` that went well. */
      readonly outputs: Float32Array
      readonly rss: number
    }

export type RunResult =
  | {
      readonly type: 'done'
      readonly width: number
      readonly ms: number
    }
  | { readonly type: 'failed'; readonly reason: string }

/** To a child's actor, from the pool. */
export interface Give {
  readonly type: 'give'
  /** Of the life that it is meant for. */
  readonly epoch: number
  readonly command: WireCommand
}

/** To the pool, from a child's actor. */
export type ChildNews =
  | {
      readonly type: 'childEntered'
      readonly child: number
      readonly epoch: number
      readonly address: Address<Give>
    }
  | {
      readonly type: 'childAnswered'
      readonly child: number
      readonly epoch: number
      readonly answer: WireAnswer
    }
  /** It has not answered for a while: what waits behind its work is better given to another. */
  | { readonly type: 'childStalled'; readonly child: number; readonly epoch: number }
  | {
      readonly type: 'childLeft'
      readonly child: number
      readonly epoch: number
      readonly cause: ChildEnd
      readonly detail: string
    }

/** `stopped` is nobody's fault. */
export type ChildEnd = 'died' | 'hung' | 'too_large' | 'stopped'
