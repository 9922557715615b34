/**
 * Stands where the inference pool stands, without processes: it answers by arithmetic that any change of an input changes,
 * after a delay, and now and then not at all for a while, by a seed.
 */
import type { Infer, InferenceCommand } from '../../actors/inference/inference.ts'
import type { ActorSpec, Self } from '../../actors/protocol.ts'
import { inputWidth, type Manifest, outputWidth } from '../../models/manifest.ts'
import { type Version, versionName } from '../../models/version.ts'
import type { Random } from '../../streams/random.ts'
import type { Millis } from '../../streams/time.ts'

export interface PoolManners {
  readonly answerMsMax: Millis
  /** Share of questions that are turned away for the moment. */
  readonly failing: number
}

export type PoolMessage = InferenceCommand | { readonly type: 'due'; readonly infer: Infer }

interface PoolState {
  readonly loaded: Set<string>
  readonly waiting: Set<Infer>
}

export function simulatedPool(
  manifestOf: (version: Version) => Manifest,
  random: Random,
  manners: PoolManners,
): ActorSpec<PoolState, PoolMessage> {
  return {
    kind: 'pool',
    mailboxMax: 1_000,
    deadlineMs: 10_000,
    start: () => ({ loaded: new Set(), waiting: new Set() }),
    receive: (state, message, self) => {
      switch (message.type) {
        case 'load':
          state.loaded.add(versionName(message.version))
          message.replyTo.tell({ ...message, type: 'loaded', sha256: message.artifact.sha256 })
          return state
        case 'unload':
          state.loaded.delete(versionName(message.version))
          return state
        case 'infer':
          take(state, message, self)
          return state
        case 'due':
          if (state.waiting.delete(message.infer))
            answer(message.infer, manifestOf(message.infer.version))
          return state
      }
    },
    end: (state) => {
      for (const infer of state.waiting) fail(infer, 'inference.stopped')
    },
  }

  function take(state: PoolState, infer: Infer, self: Self<PoolMessage>): void {
    if (!state.loaded.has(versionName(infer.version))) fail(infer, 'inference.unloaded')
    else if (random.uniform() < manners.failing) fail(infer, 'inference.full')
    else {
      state.waiting.add(infer)
      self.after(Math.floor(random.uniform() * manners.answerMsMax), { type: 'due', infer })
    }
  }
}

function fail(
  infer: Infer,
  code: 'inference.full' | 'inference.stopped' | 'inference.unloaded',
): void {
  const { id, version, replyTo } = infer
  const retryable = code !== 'inference.unloaded'
  replyTo.tell({ type: 'inferFailed', id, version, code, reason: 'simulated', retryable })
}

function answer(infer: Infer, manifest: Manifest): void {
  const { input } = manifest
  const width = outputWidth(manifest)
  const { rows, id, version, replyTo } = infer
  const outputs = new Float32Array(rows * width)
  for (let row = 0; row < rows; row++) {
    let sum = 0
    inputOf(infer, inputWidth(input), row).forEach((it, i) => {
      sum += it * ((i % 7) + 1)
    })
    const share = 0.5 + Math.sin(sum) / 4
    outputs.set(
      width === 1 ? [Math.sin(sum) / 100] : [share / 2, 1 - share, share / 2],
      row * width,
    )
  }
  replyTo.tell({ type: 'inferred', id, version, outputs, inferMs: 1, inferRows: rows })
}

/** The numbers of one row. */
function inputOf({ inputs, starts }: Infer, width: number, row: number): Float32Array {
  const from = starts?.[row] ?? row * width
  return inputs.subarray(from, from + width)
}
