/**
 * The one place where a model's numbers become an answer with a signal. Numbers that are no answer are refused by name,
 * and the ledger gets a hole instead.
 *
 * Probabilities: with `argmax` the likeliest class, and `hold` where two are equally likely. With thresholds, `buy` where
 * buy is likelier than sell and at least its threshold, `sell` likewise, else `hold`. A return is a signal where it reaches
 * the label's `up` or `down`. A volatility says nothing about direction, so it has no signal.
 */
import assert from 'node:assert/strict'
import type { Manifest } from './manifest.ts'
import type { Answer, Signal } from './prediction.ts'

export type Reading =
  | { readonly type: 'answered'; readonly answer: Answer }
  | { readonly type: 'refused'; readonly reason: AnswerRefusal; readonly detail: string }

export type AnswerRefusal = 'not_finite' | 'not_probabilities'

/** How far a sum of float32 probabilities may be from 1. */
const sumTolerance = 1e-3

type Probabilities = NonNullable<Answer['probabilities']>

/** `outputs` is one row of the output tensor; logits have become probabilities before. */
export function readAnswer(manifest: Manifest, outputs: Float32Array): Reading {
  if (!outputs.every(Number.isFinite)) {
    return { type: 'refused', reason: 'not_finite', detail: `answered [${outputs.join(', ')}]` }
  }
  return manifest.task === 'classify'
    ? readProbabilities(manifest, outputs)
    : readValue(manifest, outputs)
}

function readProbabilities(manifest: Manifest, outputs: Float32Array): Reading {
  const sum = outputs.reduce((total, it) => total + it, 0)
  if (Math.abs(sum - 1) > sumTolerance || outputs.some((it) => it < 0)) {
    const detail = `[${outputs.join(', ')}] are no probabilities`
    return { type: 'refused', reason: 'not_probabilities', detail }
  }
  const classes = manifest.classes
  assert(classes !== undefined, 'a classifier names its classes')
  // Divided by the sum in double precision, so that what is written sums to 1 as closely as numbers can.
  const share = (name: Signal): number => (outputs[classes.indexOf(name)] as number) / sum
  const probabilities = { sell: share('sell'), hold: share('hold'), buy: share('buy') }
  const signal = decide(manifest.decision, probabilities)
  return { type: 'answered', answer: { signal, probabilities, value: null } }
}

function decide(decision: Manifest['decision'], { sell, hold, buy }: Probabilities): Signal {
  switch (decision?.kind) {
    case undefined:
    case 'argmax':
      if (buy > sell && buy > hold) return 'buy'
      return sell > buy && sell > hold ? 'sell' : 'hold'
    case 'threshold':
      if (buy > sell && buy >= decision.buy) return 'buy'
      return sell > buy && sell >= decision.sell ? 'sell' : 'hold'
  }
}

function readValue(manifest: Manifest, outputs: Float32Array): Reading {
  const value = outputs[0] as number
  return {
    type: 'answered',
    answer: { signal: signalOf(manifest.label, value), probabilities: null, value },
  }
}

/** The class of a value or of a return, by the label's thresholds; null where it has no direction. */
export function signalOf(label: Manifest['label'], value: number): Signal | null {
  switch (label.kind) {
    case 'volatility':
    case 'scaled_threshold':
    case 'triple_barrier':
      return null
    case 'threshold':
    case 'return':
      if (value >= label.up) return 'buy'
      return value <= label.down ? 'sell' : 'hold'
  }
}
