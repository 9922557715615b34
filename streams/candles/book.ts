/**
 * The candles of one coin, from trades in any order and a clock. Every interval from `from` on gets exactly one closed
 * candle, when the clock has reached its end and the grace; afterwards it is only ever corrected, with a revision.
 *
 * An interval is open → closed (`final`, `empty`, or `missing` while a gap touches it) → perhaps corrected, for as long as
 * the correction window lasts or its gap is not healed → settled. Trades of a settled interval are handed back, aside.
 */
import { strict as assert } from 'node:assert'
import type { Coin } from '../coin.ts'
import { floorTo, type Millis } from '../time.ts'
import { noTrades, pickTrades, type Trades } from '../trade.ts'
import type { Bar, Candle } from './candle.ts'
import { barsAgree, candleOf, emptyBar, foldTrades, missingBar, type Shape } from './fold.ts'
import { orderRows } from './order-rows.ts'
import { type PassedOver, Rest, whyRefused } from './rest.ts'
import { type Span, Spans } from './spans.ts'
import { TradeLog } from './trade-log.ts'

export interface BookOptions extends Shape {
  readonly coin: Coin
  readonly intervalMs: Millis
  /** How long after its end a candle waits for trades that are on their way. */
  readonly graceMs: Millis
  /** How long after that it can still be corrected; its trades are kept as long. */
  readonly correctionMs: Millis
  /** The opening of the first candle; trades before it are put aside. */
  readonly from: Millis
  /**
   * Candles that are closed already, after a restart. Those from `from` on are folded anew and told only if they differ;
   * where the feed repeats no trade at all, what is known stands, and late trades are put aside.
   */
  readonly known?: readonly Candle[]
  /** Gaps that were not healed before the restart. What lies before `from` heals only where one gap covers it whole. */
  readonly gaps?: readonly Span[]
}

export type BookEvent =
  | { readonly type: 'closed'; readonly candle: Candle }
  | { readonly type: 'corrected'; readonly candle: Candle }
  | PassedOver

/** How far past the market's present a trade may be dated before it is refused: clocks differ by less. */
const futureMsMax: Millis = 5000

const nothing: readonly BookEvent[] = []

export class CandleBook {
  readonly #options: BookOptions
  readonly #log = new TradeLog()
  /** Trades of settled-by-age intervals that a gap keeps correctable. */
  readonly #held = new TradeLog(0)
  readonly #gaps = new Spans()
  /** Closed candles that can still be corrected, and known ones that have not been folded anew. */
  readonly #closed = new Map<Millis, Candle>()
  /** Known candles end here. */
  readonly #knownUntil: Millis
  /** Correctable by their age, but their trades are not all here: what comes late is put aside. */
  readonly #final = new Set<Millis>()
  #next: Millis
  /** Intervals that open before this are settled, unless a gap touches them. */
  #settled: Millis
  #scratch = new Uint32Array(256)
  readonly #dirty = new Set<Millis>()

  constructor(options: BookOptions) {
    assert.equal(floorTo(options.from, options.intervalMs), options.from, 'from opens a candle')
    assert(options.graceMs >= 0 && options.correctionMs >= 0)
    this.#options = options
    this.#next = options.from
    this.#settled = options.from
    for (const gap of options.gaps ?? []) this.#gaps.add(gap)
    let until = options.from
    for (const candle of options.known ?? []) {
      const closeAt = candle.openAt + options.intervalMs
      const correctable = this.#gaps.touches(candle.openAt, closeAt)
      if (candle.openAt >= options.from || correctable) this.#closed.set(candle.openAt, candle)
      until = Math.max(until, closeAt)
    }
    this.#knownUntil = until
  }

  get intervalMs(): Millis {
    return this.#options.intervalMs
  }

  /** The opening of the first candle that has not closed. */
  get next(): Millis {
    return this.#next
  }

  /** Trades kept for corrections. */
  get kept(): number {
    return this.#log.length - this.#log.start + (this.#held.length - this.#held.start)
  }

  /** `now` is the market's present, for refusing trades from the future; without it none is refused. */
  add(trades: Trades, now: Millis = Number.POSITIVE_INFINITY): readonly BookEvent[] {
    const notAfter = now + futureMsMax
    const merged = this.#log.append(trades, 0, this.#next, notAfter)
    return merged === trades.length ? nothing : this.#merge(trades, merged, notAfter)
  }

  /** The market has reached `at`: whatever ended at least the grace before it is closed, trades or none. */
  clock(at: Millis): readonly BookEvent[] {
    const { intervalMs, graceMs, correctionMs } = this.#options
    if (this.#next + intervalMs + graceMs > at) return nothing
    const events: BookEvent[] = []
    while (this.#next + intervalMs + graceMs <= at) {
      const openAt = this.#next
      this.#next += intervalMs
      this.#close(openAt, events)
    }
    this.#settle(floorTo(at - graceMs - correctionMs, intervalMs))
    return events
  }

  /** From here to there trades are known to be missing: closed candles that were told as whole are corrected. */
  gap(gap: Span): readonly BookEvent[] {
    this.#gaps.add(gap)
    const events: BookEvent[] = []
    for (const openAt of this.#closedWithin(gap)) this.#correct(openAt, events)
    return events
  }

  /** All trades of this stretch have been added since, but for those of `candles`: these are the source's own. */
  healed(gap: Span, candles: readonly Candle[] = []): readonly BookEvent[] {
    this.#gaps.remove(gap)
    const told = new Map(candles.map((it) => [it.openAt, it]))
    const events: BookEvent[] = []
    const touched = this.#closedWithin(gap)
    for (const openAt of touched) {
      const whole = told.get(openAt)
      if (whole && this.#isMissing(openAt)) this.#takeOver(whole, events)
      else if (whole && this.#isKnownWhole(openAt)) this.#final.add(openAt)
      else if (this.#hasAllTrades(openAt, gap)) this.#correct(openAt, events)
    }
    this.#letGo(touched)
    return events
  }

  /** Nothing of this stretch will be told any more: its candles stay as they are. */
  abandon(gap: Span): void {
    const touched = this.#closedWithin(gap)
    for (const openAt of touched) {
      if (this.#isMissing(openAt) || this.#isKnownWhole(openAt)) this.#final.add(openAt)
    }
    this.#gaps.remove(gap)
    this.#letGo(touched)
  }

  /** The candle that is open at the newest trade, as far as it goes; undefined while it has none. */
  preview(): Bar | undefined {
    const { intervalMs } = this.#options
    const log = this.#log
    if (log.length === log.start) return undefined
    const openAt = floorTo(log.at[log.length - 1]!, intervalMs)
    if (openAt < this.#next) return undefined
    return foldTrades(log, log.rowAt(openAt), log.length, openAt, this.#options)
  }

  #merge(trades: Trades, from: number, notAfter: Millis): readonly BookEvent[] {
    const events: BookEvent[] = []
    const { from: first, intervalMs } = this.#options
    const rest = new Rest(trades)
    if (this.#scratch.length < trades.length) this.#scratch = new Uint32Array(2 * trades.length)
    const rows = this.#scratch
    let count = 0
    for (let i = from; i < trades.length; i++) {
      const at = trades.at[i]!
      const refusal = whyRefused(trades, i, notAfter)
      if (refusal !== undefined) rest.refuse(refusal, i)
      else if (at >= this.#settled && this.#final.size === 0) rows[count++] = i
      else if (this.#isSettled(floorTo(at, intervalMs))) {
        rest.putAside(at < first ? 'before_start' : 'settled', i)
      } else if (at >= this.#settled) rows[count++] = i
      else rest.hold(i)
    }
    this.#mergeInto(this.#log, trades, rows, count)
    if (rest.held.length > 0) {
      const held = Uint32Array.from(rest.held)
      this.#mergeInto(this.#held, trades, held, held.length)
    }
    for (const openAt of [...this.#dirty].sort((a, b) => a - b)) this.#correct(openAt, events)
    this.#dirty.clear()
    rest.tell(events)
    return events.length === 0 ? nothing : events
  }

  #mergeInto(log: TradeLog, trades: Trades, rows: Uint32Array, count: number): void {
    const { intervalMs } = this.#options
    orderRows(trades, rows, count)
    const news = log.merge(trades, rows, count, (at) => this.#soil(floorTo(at, intervalMs)))
    for (let k = 0; k < news; k++) {
      const at = trades.at[rows[k]!]!
      if (at >= this.#next) break
      this.#soil(floorTo(at, intervalMs))
    }
  }

  /** An open interval needs no mark: it is folded when it closes. */
  #soil(openAt: Millis): void {
    if (openAt < this.#next) this.#dirty.add(openAt)
  }

  #close(openAt: Millis, events: BookEvent[]): void {
    const { coin, intervalMs } = this.#options
    const known = this.#closed.get(openAt)
    if (known !== undefined) {
      const whole = known.state !== 'missing'
      if (whole && this.#gaps.touches(openAt, openAt + intervalMs)) return
      if (whole && known.state !== 'empty' && !this.#hasTrades(openAt)) {
        this.#final.add(openAt)
        return
      }
      this.#correct(openAt, events)
      return
    }
    const bar = this.#fold(openAt)
    const candle = candleOf(coin, bar, 0)
    this.#closed.set(openAt, candle)
    events.push({ type: 'closed', candle })
  }

  /** What was recorded as whole before a restart stands while a gap touches it: its trades may not all be told again. */
  #correct(openAt: Millis, events: BookEvent[]): void {
    if (!this.#closed.has(openAt)) return
    const isInGap = this.#gaps.touches(openAt, openAt + this.#options.intervalMs)
    if (!isInGap || !this.#isKnownWhole(openAt)) this.#revise(this.#fold(openAt), events)
  }

  /** What trades are known of it are fewer than it was made of. */
  #takeOver(candle: Candle, events: BookEvent[]): void {
    this.#final.add(candle.openAt)
    this.#revise(candle, events)
  }

  #revise(bar: Bar, events: BookEvent[]): void {
    const { openAt } = bar
    const before = this.#closed.get(openAt)
    if (before === undefined || barsAgree(bar, before)) return
    const revision = before.revision + 1
    const candle = candleOf(this.#options.coin, bar, revision)
    this.#closed.set(openAt, candle)
    events.push({ type: 'corrected', candle })
  }

  #fold(openAt: Millis): Bar {
    const closeAt = openAt + this.#options.intervalMs
    if (this.#gaps.touches(openAt, closeAt)) return missingBar(openAt)
    const log = openAt < this.#settled ? this.#held : this.#log
    const from = log.rowAt(openAt)
    const to = log.rowAt(closeAt)
    return from === to ? emptyBar(openAt) : foldTrades(log, from, to, openAt, this.#options)
  }

  #isKnownWhole(openAt: Millis): boolean {
    return openAt < this.#knownUntil && !this.#isMissing(openAt)
  }

  #isMissing(openAt: Millis): boolean {
    return this.#closed.get(openAt)?.state === 'missing'
  }

  /** Of what a gap kept correctable, what nothing else does. */
  #letGo(openings: readonly Millis[]): void {
    for (const openAt of openings) if (this.#isSettled(openAt)) this.#closed.delete(openAt)
    this.#releaseHeld()
  }

  /** Openings of closed candles that the span touches, in order. */
  #closedWithin(span: Span): readonly Millis[] {
    const { intervalMs } = this.#options
    const openings: Millis[] = []
    for (const openAt of this.#closed.keys()) {
      const closed = openAt < this.#next
      if (closed && openAt < span.to && openAt + intervalMs > span.from) openings.push(openAt)
    }
    return openings.sort((a, b) => a - b)
  }

  /**
   * Since `from` the feed tells everything, unless it repeats nothing of a candle that was whole before the restart.
   * Before it, there is only what the healed gap brought.
   */
  #hasAllTrades(openAt: Millis, gap: Span): boolean {
    if (openAt >= this.#options.from) return !this.#isKnownWhole(openAt) || this.#hasTrades(openAt)
    return (
      this.#isMissing(openAt) && gap.from <= openAt && gap.to >= openAt + this.#options.intervalMs
    )
  }

  #hasTrades(openAt: Millis): boolean {
    const from = this.#log.rowAt(openAt)
    return from < this.#log.length && this.#log.at[from]! < openAt + this.#options.intervalMs
  }

  #isSettled(openAt: Millis): boolean {
    if (this.#final.has(openAt)) return true
    if (openAt >= this.#settled) return false
    const correctable = this.#closed.has(openAt)
    return !correctable || !this.#gaps.touches(openAt, openAt + this.#options.intervalMs)
  }

  #settle(before: Millis): void {
    const { intervalMs } = this.#options
    if (before <= this.#settled) return
    const log = this.#log
    for (let openAt = this.#settled; openAt < before; openAt += intervalMs) {
      this.#final.delete(openAt)
      if (!this.#gaps.touches(openAt, openAt + intervalMs)) {
        this.#closed.delete(openAt)
        continue
      }
      const from = log.rowAt(openAt)
      const to = log.rowAt(openAt + intervalMs)
      const rows = Uint32Array.from({ length: to - from }, (_, k) => from + k)
      this.#held.merge(log, rows, rows.length, () => undefined)
    }
    this.#settled = before
    log.forgetBefore(before)
  }

  /** Of what gaps held back, only that of gaps which are still open. */
  #releaseHeld(): void {
    const held = this.#held
    const rows = new Uint32Array(held.length)
    let count = 0
    for (let i = held.start; i < held.length; i++) {
      const openAt = floorTo(held.at[i]!, this.#options.intervalMs)
      if (!this.#isSettled(openAt)) rows[count++] = i
    }
    if (count === held.length - held.start) return
    const kept = count === 0 ? noTrades : pickTrades(held, rows, count)
    held.forgetBefore(Number.POSITIVE_INFINITY)
    held.append(kept, 0, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
  }
}
