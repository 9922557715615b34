/**
 * One coin of a live market, from subscription to end: takes what its line hears, fills over REST what the line missed, and
 * tells the time. Each trade is emitted once, a stretch that was missed is emitted as a gap, and no candle is closed over
 * trades that are known to be missing unless that gap says so.
 *
 * connecting → filling (live trades are held back) → following ⇄ verifying → …
 *      ▲            │                 │
 *      └─ down ─────┴─────────────────┘            any → ended (delisted)
 */
import { Subscription } from 'rxjs'
import { tell } from '../../channels.ts'
import type { Coin } from '../../coin.ts'
import { Fault } from '../../fault.ts'
import type { Gap, GapCause } from '../../gap.ts'
import type { Clock, Millis } from '../../time.ts'
import type { Trades } from '../../trade.ts'
import type { FeedItem } from '../feed.ts'
import { Arrivals, type Patience, patience } from '../staleness.ts'
import type { Asker } from './ask.ts'
import { Coverage } from './coverage.ts'
import type { ExchangeClock } from './exchange-clock.ts'
import { Intake } from './intake.ts'
import type { FollowLimits } from './limits.ts'
import type { CoinEar, Line } from './line.ts'
import type { Cursor, Venue } from './venue.ts'

export interface FollowOptions {
  readonly coin: Coin
  readonly from: Millis
  readonly intervalMs: Millis
  readonly venue: Venue
  readonly line: Line
  readonly clock: Clock
  readonly market: ExchangeClock
  readonly asker: Asker
  readonly limits: FollowLimits
  readonly emit: (item: FeedItem) => void
}

/** Bundles that wait for the exchange's clock to be measured; more than that are judged by the clock as it is. */
const doubtfulMax = 1000

export class Follow implements CoinEar {
  readonly #o: FollowOptions
  readonly #coverage: Coverage
  readonly #intake: Intake
  readonly #arrivals = new Arrivals()
  readonly #timers = new Subscription()
  readonly #end = new AbortController()
  #filling: AbortController | undefined
  #verifying = false
  #held: Trades[] = []
  #heldCount = 0
  #doubtful: Trades[] = []
  #up = false
  #heardAt: Millis
  /** Where the coin is not told as it happens, how far it has been told. */
  #toldTo: Millis = Number.POSITIVE_INFINITY
  #tickedAt: Millis
  #lastAtTick: Cursor | undefined
  #quiet = 0
  #haltedSince: Millis | undefined

  constructor(options: FollowOptions) {
    this.#o = options
    const { coin, from, intervalMs, venue, clock, limits } = options
    const { graceMs, patienceMs } = limits
    this.#heardAt = clock.now()
    this.#tickedAt = this.#heardAt
    this.#coverage = new Coverage({ coin, from, intervalMs, graceMs, patienceMs }, this.#heardAt)
    this.#intake = new Intake(venue.sequential, (why) => this.refused('trade', why))
  }

  async start(): Promise<void> {
    const { venue, coin, line, asker } = this.#o
    try {
      const listed = await asker.ask(() => venue.listed(coin, false), this.#end.signal)
      if (listed === 'absent') return this.#ended(`${venue.source} does not list ${coin}`)
    } catch (error) {
      return this.#stopOn(error)
    }
    if (this.#end.signal.aborted) return
    line.add(coin, this)
    this.#schedule()
  }

  stop(): void {
    this.#end.abort()
    this.#filling?.abort()
    this.#timers.unsubscribe()
    this.#o.line.remove(this.#o.coin)
  }

  up(): void {
    this.#up = true
    this.#heardAt = this.#o.clock.now()
    this.#arrivals.interrupted()
    this.#emit({ type: 'connected', coin: this.#o.coin })
    void this.#fill()
  }

  down(cause: string, attempt: number): void {
    const { coin } = this.#o
    const silent = cause === 'silent'
    this.#up = false
    this.#filling?.abort()
    this.#lose(silent ? 'silent' : 'disconnected', this.#vouchedTo(silent), this.#intake.last)
    this.#release()
    this.#emit({ type: 'reconnecting', coin, cause, attempt })
  }

  heard(trades: Trades): void {
    this.#heardAt = this.#o.clock.now()
    this.#quiet = 0
    this.#haltedSince = undefined
    this.#arrivals.note(this.#heardAt)
    if (this.#filling === undefined) {
      this.#take(trades)
      return
    }
    this.#held.push(trades)
    this.#heldCount += trades.length
    if (this.#heldCount > this.#o.limits.heldTradesMax) this.#release()
  }

  told(askedAt: Millis): void {
    const { market, clock } = this.#o
    this.#toldTo = market.now() - (clock.now() - askedAt)
  }

  torn(last: Cursor): void {
    this.#filling?.abort()
    this.#lose('sequence', this.#coverage.clockAt, last)
    void this.#fill()
  }

  refused(what: string, detail: string): void {
    tell('feed.refused', { coin: this.#o.coin, what, detail })
  }

  // Trades in

  #take(trades: Trades): void {
    if (this.#isAhead(trades) && this.#doubtful.length < doubtfulMax) this.#doubt(trades)
    else this.#pass(trades)
  }

  #isAhead(trades: Trades): boolean {
    const lastAt = trades.at[trades.length - 1]
    return lastAt !== undefined && lastAt > this.#believedTo()
  }

  #believedTo(): Millis {
    return this.#o.market.now() + this.#o.limits.aheadMsMax
  }

  /** Either this trade lies in the future, or our idea of the exchange's clock is wrong: that is asked before it is refused. */
  #doubt(trades: Trades): void {
    this.#doubtful.push(trades)
    if (this.#doubtful.length > 1) return
    void this.#o.market.measure().then(() => {
      const doubtful = this.#doubtful
      this.#doubtful = []
      for (const bundle of doubtful) this.#pass(bundle)
    })
  }

  #pass(trades: Trades): void {
    const { market, clock, coin } = this.#o
    const fresh = this.#intake.pass(trades, this.#believedTo(), clock.now())
    if (fresh.length === 0) return
    market.witness(this.#intake.last?.at ?? 0)
    this.#emit({ type: 'trades', coin, trades: fresh })
  }

  #release(): void {
    const held = this.#held
    this.#held = []
    this.#heldCount = 0
    for (const trades of held) this.#take(trades)
  }

  // What was missed

  /**
   * Reading resumes at `last`, which was heard before the stretch, or at the first number that is still owed: what came after
   * does not prove that it was told.
   */
  #lose(cause: GapCause, from: Millis, last: Cursor | undefined): void {
    const owed = this.#intake.owed[0]
    const resume = owed ? { at: owed.after, id: owed.from - 1 } : (last ?? { at: from })
    const lostFrom = owed ? Math.min(from, owed.after) : from
    this.#coverage.lose(cause, lostFrom, resume, this.#o.clock.now())
    this.#arrivals.interrupted()
  }

  /** Up to when it is certain that nothing was missed: a socket that was heard as usual is believed, a silent one is not. */
  #vouchedTo(silent: boolean): Millis {
    const { market, clock } = this.#o
    const { suspectMs } = this.#patience()
    const lastAt = this.#intake.last?.at ?? this.#coverage.clockAt
    if (silent || clock.now() - this.#heardAt > suspectMs) return lastAt
    return Math.max(lastAt, market.now() - suspectMs)
  }

  async #fill(): Promise<void> {
    const { coin, market, clock } = this.#o
    const started = this.#intake.last !== undefined
    const filling = new AbortController()
    this.#filling = filling
    try {
      await market.measure()
      if (filling.signal.aborted) return
      if (started) this.#declare(market.now())
      await this.#read(filling.signal)
      this.#intake.forgive()
      for (const gap of this.#coverage.healed()) this.#emit({ type: 'healed', gap })
    } catch (error) {
      if (filling.signal.aborted) return
      if (!(error instanceof Fault)) throw error
      this.refused('backfill', error.message)
      if (error.code === 'feed.no_market') return this.#ended(`${coin} was delisted`)
      this.#declare(market.now())
      this.#coverage.givenUp()
    } finally {
      if (this.#filling === filling) this.#filling = undefined
    }
    this.#heardAt = clock.now()
    this.#release()
    this.#lookAgain()
  }

  /**
   * Reads on from the missing stretch's cursor to the newest. A page shows what was known at the cursor, unless the exchange
   * has forgotten that: then there is a hole before it.
   */
  async #read(wanted: AbortSignal): Promise<void> {
    const { venue, coin, asker, clock, market } = this.#o
    let cursor = this.#coverage.missing?.cursor
    while (cursor !== undefined) {
      const from: Cursor = cursor
      const page = await asker.ask(() => venue.trades(coin, from), wanted)
      if (this.#isAhead(page.trades)) await market.measure()
      if (wanted.aborted) throw new Fault('feed.given_up', 'no longer wanted')
      const begins = venue.deep && from.id === undefined
      if (!begins && !this.#intake.reachesBack(page.trades, from.at))
        this.#onRecord(this.#coverage.torn(page.trades.at[0] ?? market.now()))
      this.#pass(page.trades)
      const next = page.next
      if (next === undefined) break
      this.#coverage.progressed(next, clock.now())
      this.#tellTime(page.coveredTo, false)
      cursor = next
    }
  }

  #lookAgain(): void {
    const { venue, coin, asker, clock, limits, market } = this.#o
    if (venue.sequential || !this.#up) return
    const from = { at: market.now() - limits.secondLookMs }
    const look = async (): Promise<void> => {
      try {
        this.#take((await asker.ask(() => venue.trades(coin, from), this.#end.signal)).trades)
      } catch (error) {
        this.#stopOn(error)
      }
    }
    this.#timers.add(clock.schedule(() => void look(), limits.secondLookMs))
  }

  #declare(to: Millis): void {
    this.#onRecord(this.#coverage.declare(to))
  }

  #onRecord(gap: Gap | undefined): void {
    if (gap !== undefined) this.#emit({ type: 'gap', gap })
  }

  // Time and silence

  #schedule(): void {
    const { clock, market, limits } = this.#o
    const delay = Math.min(limits.tickMs, this.#coverage.untilClose(market.now()))
    this.#timers.add(
      clock.schedule(() => {
        this.#tick()
        if (!this.#end.signal.aborted) this.#schedule()
      }, delay),
    )
  }

  #tick(): void {
    const { clock, market, limits, coin } = this.#o
    const wall = clock.now()
    const passed = wall - this.#tickedAt
    this.#tickedAt = wall
    if (passed < 0) this.#coverage.setBack(wall)
    const last = this.#lastAtTick
    this.#lastAtTick = this.#intake.last
    if (passed < -limits.tickMs || passed > limits.tickMs + limits.lateTickMs) this.#stopped(last)
    if (this.#coverage.missing !== undefined) {
      if (this.#coverage.outOfPatience(market.now(), wall)) {
        this.#declare(market.now())
        this.#tellTime(market.now(), false)
      }
      return
    }
    const silentMs = wall - this.#heardAt
    const { suspectMs, limitMs } = this.#patience()
    tell('feed.staleness', { coin, stalenessMs: silentMs })
    if (silentMs > limitMs) void this.#verify()
    const owed = this.#intake.owed[0]
    if (owed !== undefined && wall - owed.sinceWall > limits.reorderMsMax) {
      this.#lose('sequence', owed.after, this.#intake.last)
      void this.#fill()
      return
    }
    const inDoubt = silentMs > suspectMs || this.#verifying || owed !== undefined
    this.#tellTime(Math.min(market.now(), this.#toldTo), inDoubt)
  }

  #tellTime(at: Millis, doubt: boolean): void {
    if (!this.#coverage.advance(at, doubt)) return
    const receivedAt = this.#o.clock.now()
    this.#emit({ type: 'clock', coin: this.#o.coin, at: this.#coverage.clockAt, receivedAt })
  }

  /** We did not run for a while, or the wall clock was set: what came meanwhile may or may not still be in the socket. */
  #stopped(last: Cursor | undefined): void {
    if (this.#coverage.missing !== undefined || !this.#up) return
    this.#lose('stopped', this.#coverage.clockAt, last)
    void this.#fill()
  }

  #patience(): Patience {
    return patience(this.#arrivals.intervals, this.#quiet, this.#o.limits.staleness)
  }

  /** Silence alone does not tell a deaf socket from a quiet market: the exchange is asked, and if it cannot say, the socket goes. */
  async #verify(): Promise<void> {
    if (this.#verifying || !this.#up) return
    this.#verifying = true
    const { clock, line, limits, venue, coin, asker, market } = this.#o
    const from = this.#intake.last ?? { at: this.#coverage.clockAt }
    const overdue = clock.schedule(() => line.replace('silent'), limits.verifyMsMax)
    try {
      const page = await asker.ask(() => venue.trades(coin, from), this.#end.signal)
      // One that was traded only now may still be on its way.
      const unheard = this.#intake.firstUnseen(page.trades)
      if (unheard < market.now() - limits.tickMs) return line.replace('silent')
      if (unheard < Infinity) return
      this.#quiet += 1
      this.#heardAt = clock.now()
      await market.measure()
      if (this.#quiet > 1) await this.#stillListed()
    } catch (error) {
      this.#stopOn(error)
    } finally {
      overdue.unsubscribe()
      this.#verifying = false
    }
  }

  async #stillListed(): Promise<void> {
    const { venue, coin, asker, clock, limits } = this.#o
    const listed = await asker.ask(() => venue.listed(coin, true), this.#end.signal)
    if (listed === 'absent') return this.#ended(`${coin} was delisted`)
    if (listed === 'listed') {
      this.#haltedSince = undefined
      return
    }
    this.#haltedSince ??= clock.now()
    if (clock.now() - this.#haltedSince >= limits.haltedMsMax) {
      this.#ended(`${coin} has been halted for ${limits.haltedMsMax} ms`)
    }
  }

  #ended(reason: string): void {
    if (this.#end.signal.aborted) return
    this.stop()
    this.#o.emit({ type: 'ended', coin: this.#o.coin, reason })
  }

  /** What an exchange refuses for good about a coin ends that coin; a broken invariant is nobody's to catch. */
  #stopOn(error: unknown): void {
    if (!(error instanceof Fault)) throw error
    if (error.code === 'feed.given_up') return
    if (error.code === 'feed.no_market') this.#ended(error.message)
    else this.refused('question', error.message)
  }

  #emit(item: FeedItem): void {
    if (!this.#end.signal.aborted) this.#o.emit(item)
  }
}
