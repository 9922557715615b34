/** Follows a coin of a stand-in exchange through the real feed and writes down what it says. */
import assert from 'node:assert/strict'
import {
  filter,
  firstValueFrom,
  type Observable,
  Subject,
  type Subscription,
  startWith,
  throwError,
  timeout,
} from 'rxjs'
import type { Coin } from '../../streams/coin.ts'
import { type CcxtOptions, ccxtFeed } from '../../streams/feeds/ccxt.ts'
import type { FeedItem } from '../../streams/feeds/feed.ts'
import type { LiveLimits } from '../../streams/feeds/live/limits.ts'
import type { LiveFeed } from '../../streams/feeds/live/live-feed.ts'
import type { Gap } from '../../streams/gap.ts'
import { floorTo, wallClock } from '../../streams/time.ts'
import type { Deal } from './market.ts'

/** Looks at once and after each event until it holds; the deadline is for what never comes. */
export async function untilHeard(
  events$: Observable<unknown>,
  holds: () => boolean,
  what: string | (() => string),
  deadlineMs = 45_000,
): Promise<void> {
  const inVain = (): Error =>
    new Error(`not within ${deadlineMs} ms: ${typeof what === 'string' ? what : what()}`)
  const late = timeout({ first: deadlineMs, with: () => throwError(inVain) })
  await firstValueFrom(events$.pipe(startWith(undefined), filter(holds), late))
}

/** Short enough for a test, each still longer than what a busy machine does to a timer. */
export const quick: Partial<LiveLimits> = {
  tickMs: 50,
  graceMs: 1_000,
  reorderMsMax: 300,
  secondLookMs: 300,
  backoff: { delayMsMin: 5, delayMsMax: 100, forgottenAfterMs: 60_000 },
}

export function liveFeedOf(
  options: Pick<CcxtOptions, 'source' | 'urls' | 'intervalMs' | 'ccxtReads'> &
    Partial<Pick<CcxtOptions, 'clock' | 'limits'>>,
): Promise<LiveFeed> {
  const { limits, ...rest } = options
  return ccxtFeed({
    clock: wallClock,
    ...rest,
    random: Math.random,
    rateLimitMs: 1,
    limits: { ...quick, ...limits },
  })
}

export interface Heard {
  readonly at: number
  readonly id: number
  readonly price: number
  readonly size: number
  readonly side: number
}

export class Record {
  readonly items: FeedItem[] = []
  readonly trades: Heard[] = []
  readonly #heard$ = new Subject<void>()
  readonly #subscription: Subscription
  completed = false

  constructor(feed: LiveFeed, coin: Coin, from: number) {
    this.#subscription = feed.open(coin, from).subscribe({
      next: (item) => {
        this.#note(item)
        this.#heard$.next()
      },
      complete: () => {
        this.completed = true
        this.#heard$.next()
      },
    })
  }

  #note(item: FeedItem): void {
    this.items.push(item)
    if (item.type !== 'trades') return
    const { at, id, price, size, side, length } = item.trades
    for (let i = 0; i < length; i++) {
      this.trades.push({
        at: at[i] as number,
        id: id[i] as number,
        price: price[i] as number,
        size: size[i] as number,
        side: side[i] as number,
      })
    }
  }

  of<T extends FeedItem['type']>(type: T): Extract<FeedItem, { type: T }>[] {
    return this.items.filter((item): item is Extract<FeedItem, { type: T }> => item.type === type)
  }

  stop(): void {
    this.#subscription.unsubscribe()
  }

  /** By what it hears from now on, if it does not hold already. */
  until(holds: () => boolean, what: string | (() => string)): Promise<void> {
    return untilHeard(this.#heard$, holds, what)
  }

  async hears(deals: readonly Deal[]): Promise<void> {
    const missing = (): number => {
      const ids = new Set(this.trades.map((trade) => trade.id))
      return deals.filter((deal) => !ids.has(deal.id)).length
    }
    await this.until(
      () => missing() === 0,
      () => `${missing()} of ${deals.length} trades are missing`,
    )
    this.agrees(deals)
  }

  /**
   * Nothing was closed over what had not been told: whenever the clock closes an interval, each of its deals has been
   * emitted before, or lies in a gap that has.
   */
  honest(deals: readonly Deal[], intervalMs: number, graceMs: number, from: number): void {
    const told = new Set<number>()
    const gaps: Gap[] = []
    let open = deals.filter(({ at }) => at >= from)
    for (const item of this.items) {
      if (item.type === 'trades') for (const id of item.trades.id) told.add(id)
      if (item.type === 'gap') gaps.push(item.gap)
      if (item.type !== 'clock') continue
      const closedTo = floorTo(item.at - graceMs, intervalMs)
      const closed = open.filter(({ at }) => at < closedTo)
      if (closed.length > 0) open = open.filter(({ at }) => at >= closedTo)
      for (const { at, id } of closed) {
        const excused = told.has(id) || gaps.some((gap) => at >= gap.from && at < gap.to)
        assert.ok(
          excused,
          `at ${item.at} the interval of trade ${id} at ${at} was closed without it`,
        )
      }
    }
  }

  /** Every declared gap has been healed to its last millisecond. */
  mended(): boolean {
    const healed = this.of('healed').map(({ gap }) => `${gap.from} ${gap.to} ${gap.cause}`)
    const gaps = this.of('gap').map(({ gap }) => `${gap.from} ${gap.to} ${gap.cause}`)
    return gaps.length > 0 && gaps.every((gap) => healed.includes(gap))
  }

  /** Exactly the exchange's own trades: each once, none invented, every number as it was. */
  agrees(deals: readonly Deal[]): void {
    const ascending = (a: { id: number }, b: { id: number }): number => a.id - b.id
    const truth = deals.map((deal) => ({
      at: deal.at,
      id: deal.id,
      price: Number(deal.price),
      size: Number(deal.size),
      side: deal.side === 'buy' ? 1 : -1,
    }))
    assert.deepEqual(this.trades.toSorted(ascending), truth.toSorted(ascending))
  }
}
