/**
 * Moves all open coins of a tape through market time, in lockstep: at a pace of the wall's or as fast as it goes, and
 * never more than one candle ahead of the slowest of the fleet. A coin that is behind (it was opened later, or from
 * further back) is brought up to the present first, without holding up the others except through the fleet's pace.
 *
 * idle (no coins) → playing (a timer is set) ⇄ waiting (for the fleet, no timer) → idle
 */
import type { Subscription } from 'rxjs'
import type { Clock, Millis } from '../../time.ts'
import type { Pace } from '../pace.ts'
import { nextBoundary, type Player } from './player.ts'

export interface DriverOptions {
  readonly intervalMs: Millis
  readonly graceMs: Millis
  /** Market milliseconds in one of the wall, or Infinity. */
  readonly speed: number
  readonly clock: Clock
  readonly pace: Pace | undefined
  readonly startAt: Millis
  /** Wall time between two deliveries at a finite speed. */
  readonly sliceMs: Millis
}

/** At full speed a turn goes on for this long, then lets others run; the count bounds it under a clock that stands. */
const turnMsMax = 8
const turnIntervalsMax = 512

export class Driver {
  readonly #options: DriverOptions
  readonly #players = new Set<Player>()
  #present: Millis
  #hasBegun = false
  /** While set, market time follows the wall from here. */
  #anchor: { readonly wall: Millis; readonly market: Millis } | undefined
  /** The wall's time when it was last looked at. */
  #lookedAt: Millis = Number.NEGATIVE_INFINITY
  #timer: Subscription | undefined
  #paceChanges: Subscription | undefined
  #isPlaying = false

  constructor(options: DriverOptions) {
    this.#options = options
    this.#present = options.startAt
  }

  /** Market time that has been, or is just being, delivered. */
  get present(): Millis {
    return this.#present
  }

  /** Gives the way to leave again. The first to join sets the present, if it comes from beyond it. */
  join(player: Player): () => void {
    if (!this.#hasBegun) this.#present = Math.max(this.#present, player.cursor)
    this.#hasBegun = true
    this.#players.add(player)
    this.#paceChanges ??= this.#options.pace?.slowest$.subscribe(() => this.#wake())
    this.#wake()
    return () => this.#leave(player)
  }

  #leave(player: Player): void {
    this.#players.delete(player)
    if (this.#players.size > 0) return
    this.#timer?.unsubscribe()
    this.#paceChanges?.unsubscribe()
    this.#timer = undefined
    this.#paceChanges = undefined
    this.#anchor = undefined
  }

  /** Something has changed for which nobody waits yet. Always by the clock: never inside a delivery. */
  #wake(): void {
    if (this.#timer === undefined && !this.#isPlaying) this.#playAfter(0)
  }

  #playAfter(delayMs: Millis): void {
    this.#timer = this.#options.clock.schedule(() => {
      this.#timer = undefined
      this.#isPlaying = true
      const delay = this.#play()
      this.#isPlaying = false
      if (delay !== undefined && this.#players.size > 0) this.#playAfter(delay)
    }, delayMs)
  }

  /** Plays what is due; gives how long to rest, or undefined when only the fleet can allow more. */
  #play(): Millis | undefined {
    const isBehind = this.#catchUp()
    const isAllowed =
      this.#options.speed === Number.POSITIVE_INFINITY ? this.#playATurn() : this.#followTheWall()
    if (isBehind) return 0
    if (!isAllowed) return this.#mayGoOn() ? 0 : undefined
    return this.#restMs()
  }

  /** True when there is more to bring up, and the fleet lets it. */
  #catchUp(): boolean {
    const { intervalMs, clock } = this.#options
    const now = clock.now()
    let isBehind = false
    for (const player of this.#players) {
      const reachable = Math.min(this.#present, this.#limit)
      const target = Math.min(reachable, player.cursor + turnIntervalsMax * intervalMs)
      if (player.cursor < target) player.playTo(target, () => now)
      if (player.cursor < Math.min(this.#present, this.#limit) && !player.isOver) isBehind = true
    }
    return isBehind
  }

  #playATurn(): boolean {
    const { intervalMs, clock } = this.#options
    const startedAt = clock.now()
    for (let n = 0; n < turnIntervalsMax && this.#players.size > 0; n++) {
      const target = Math.min(this.#limit, this.#present + intervalMs)
      if (target <= this.#present) return false
      this.#advance(target, () => clock.now())
      if (clock.now() - startedAt >= turnMsMax) break
    }
    return true
  }

  #followTheWall(): boolean {
    const { clock, speed } = this.#options
    const now = clock.now()
    // The wall's clock was set back: the tape does not wait for the same hour to come again.
    if (now < this.#lookedAt) this.#anchor = undefined
    this.#lookedAt = now
    this.#anchor ??= { wall: now, market: this.#present }
    const { wall, market } = this.#anchor
    const wanted = market + Math.floor((now - wall) * speed)
    const target = Math.min(wanted, this.#limit)
    // The wall instant at which this market instant fell due, not the one at which it got its turn: a late delivery
    // must not make the wait that follows it look shorter.
    this.#advance(target, (at) => Math.min(now, wall + (at - market) / speed))
    if (target === wanted) return true
    this.#anchor = undefined
    return false
  }

  /** All coins to `target`, a boundary at a time, so that none is further than the others by more than that. */
  #advance(target: Millis, wallAt: (at: Millis) => Millis): void {
    const { intervalMs, graceMs } = this.#options
    while (this.#present < target && this.#players.size > 0) {
      const from = this.#present
      const to = Math.min(target, nextBoundary(from, intervalMs, graceMs))
      this.#present = to
      for (const player of this.#players) {
        if (player.cursor >= from) player.playTo(to, wallAt)
      }
    }
  }

  get #limit(): Millis {
    const { pace, intervalMs, graceMs } = this.#options
    // Up to where the slowest has answered, one more candle may close, and that takes its grace.
    return pace === undefined ? Number.POSITIVE_INFINITY : pace.slowest + intervalMs + graceMs
  }

  #mayGoOn(): boolean {
    return this.#limit > this.#present
  }

  #restMs(): Millis {
    const { speed, sliceMs, intervalMs, graceMs, clock } = this.#options
    if (speed === Number.POSITIVE_INFINITY || this.#anchor === undefined) return 0
    const boundary = nextBoundary(this.#present, intervalMs, graceMs)
    const dueAt = this.#anchor.wall + (boundary - this.#anchor.market) / speed
    return Math.min(sliceMs, Math.max(1, Math.ceil(dueAt - clock.now())))
  }
}
