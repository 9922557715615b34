/**
 * What of one coin's market we can vouch for, and how far its clock may therefore go. Pure: instants come in, decisions go out.
 *
 * whole ──lose──▶ missing ──(REST told all of it)──▶ whole
 *
 * While something is missing the clock stands still, so that no candle is closed as `empty` when we were merely deaf. Only
 * after `patienceMs` without progress does it go on, and then a gap that covers the stretch is declared first: a candle in
 * it is closed as part of the gap, and corrected when the gap heals.
 */
import type { Coin } from '../../coin.ts'
import type { Gap, GapCause } from '../../gap.ts'
import { floorTo, type Millis } from '../../time.ts'
import type { Cursor } from './venue.ts'

export interface Missing {
  readonly cause: GapCause
  /** Where reading on fills the stretch. */
  readonly cursor: Cursor
  /** Start of what no gap has been declared for yet. */
  readonly from: Millis
  /** What lies before it stays on record, however far reading on gets. */
  readonly provenFrom: Millis
  /** When, on the wall clock, the stretch last got shorter. */
  readonly progressAt: Millis
}

export interface CoverageOptions {
  readonly coin: Coin
  readonly from: Millis
  readonly intervalMs: Millis
  /** The clock closes a candle when it reaches the candle's end plus this. */
  readonly graceMs: Millis
  readonly patienceMs: Millis
}

export class Coverage {
  readonly #options: CoverageOptions
  #clockAt: Millis
  #missing: Missing | undefined
  #declared: Gap[] = []

  /** At the start everything from `from` on is missing, and nobody has been told otherwise: it is no gap yet. */
  constructor(options: CoverageOptions, receivedAt: Millis) {
    this.#options = options
    this.#clockAt = options.from
    this.lose('stopped', options.from, { at: options.from }, receivedAt)
  }

  get clockAt(): Millis {
    return this.#clockAt
  }

  get missing(): Missing | undefined {
    return this.#missing
  }

  lose(cause: GapCause, from: Millis, cursor: Cursor, receivedAt: Millis): void {
    if (this.#missing !== undefined) return
    this.#missing = { cause, cursor, from, provenFrom: from, progressAt: receivedAt }
  }

  /** What the backfill has not declared before `cursor`, it has told. */
  progressed(cursor: Cursor, receivedAt: Millis): void {
    if (this.#missing === undefined) return
    const from = Math.max(this.#missing.from, cursor.at)
    this.#missing = { ...this.#missing, cursor, from, progressAt: receivedAt }
  }

  /** The backfill goes on at `at`, and nobody knows what happened since its cursor, nor what else at that instant. */
  torn(at: Millis): Gap | undefined {
    const missing = this.#missing
    if (missing === undefined) return undefined
    this.#missing = { ...missing, provenFrom: Math.max(missing.provenFrom, at + 1) }
    return at > missing.from ? this.declare(at + 1) : undefined
  }

  /** The wall clock was set back to `receivedAt`: patience is counted from here. */
  setBack(receivedAt: Millis): void {
    if (this.#missing !== undefined) this.#missing = { ...this.#missing, progressAt: receivedAt }
  }

  /** What was lost up to `to` is put on record, were it only a moment. */
  declare(until: Millis): Gap | undefined {
    const missing = this.#missing
    if (missing === undefined) return undefined
    const to = Math.max(until, missing.from + 1)
    const gap: Gap = {
      coin: this.#options.coin,
      from: missing.from,
      to,
      cause: missing.cause,
    }
    this.#declared.push(gap)
    this.#missing = { ...missing, from: to }
    return gap
  }

  /** The backfill has told all that it could prove; the answer is what has healed. */
  healed(): readonly Gap[] {
    const provenFrom = this.#missing?.provenFrom ?? Number.POSITIVE_INFINITY
    const healed = this.#declared.flatMap((gap): Gap[] => {
      if (provenFrom <= gap.from) return [gap]
      return provenFrom < gap.to ? [{ ...gap, from: provenFrom }] : []
    })
    this.#declared = []
    this.#missing = undefined
    return healed
  }

  /** Nothing more will be told: the declared gaps stay, and the market goes on. */
  givenUp(): void {
    this.#declared = []
    this.#missing = undefined
  }

  /** May the clock no longer wait? The caller declares the gap and then moves the clock. */
  outOfPatience(now: Millis, receivedAt: Millis): boolean {
    if (this.#missing === undefined || now < this.#nextClose()) return false
    return receivedAt - this.#missing.progressAt >= this.#options.patienceMs
  }

  /** Moves the clock to `at`, or, in doubt, no further than closes no candle. True when it moved. */
  advance(at: Millis, doubt: boolean): boolean {
    const to = doubt ? Math.min(at, this.#nextClose() - 1) : at
    if (to <= this.#clockAt) return false
    this.#clockAt = to
    return true
  }

  /** How long from `now` until the clock will close a candle. */
  untilClose(now: Millis): Millis {
    const { intervalMs, graceMs } = this.#options
    return floorTo(now - graceMs, intervalMs) + intervalMs + graceMs - now
  }

  #nextClose(): Millis {
    return this.#clockAt + this.untilClose(this.#clockAt)
  }
}
