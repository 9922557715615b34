/**
 * A set of half-open stretches of time, kept sorted and apart. What is added twice is there once, and taking away a part
 * leaves the rest: overlapping gaps that heal one after the other need no bookkeeping of their own.
 */
import type { Millis } from '../time.ts'

export interface Span {
  readonly from: Millis
  readonly to: Millis
}

export class Spans {
  #spans: readonly Span[] = []

  get all(): readonly Span[] {
    return this.#spans
  }

  add(span: Span): void {
    if (span.from >= span.to) return
    const apart = this.#spans.filter((s) => s.to < span.from || s.from > span.to)
    const joined = this.#spans.filter((s) => s.to >= span.from && s.from <= span.to)
    const from = Math.min(span.from, ...joined.map((s) => s.from))
    const to = Math.max(span.to, ...joined.map((s) => s.to))
    this.#spans = [...apart, { from, to }].sort((a, b) => a.from - b.from)
  }

  remove(span: Span): void {
    this.#spans = this.#spans.flatMap((s) =>
      [
        { from: s.from, to: Math.min(s.to, span.from) },
        { from: Math.max(s.from, span.to), to: s.to },
      ].filter((rest) => rest.from < rest.to),
    )
  }

  touches(from: Millis, to: Millis): boolean {
    for (const span of this.#spans) {
      if (span.from >= to) return false
      if (span.to > from) return true
    }
    return false
  }
}
