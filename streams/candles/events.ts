/**
 * A coin's feed as a stream of candle events. Nothing is queued: every item is answered before the next is taken, so
 * whoever subscribes decides by its own pace how fast the feed can go. One book, one
 * subscription.
 */
import { strict as assert } from 'node:assert'
import { Observable, type OperatorFunction } from 'rxjs'
import { tell } from '../channels.ts'
import type { FeedItem } from '../feeds/feed.ts'
import type { Millis } from '../time.ts'
import type { BookEvent, CandleBook } from './book.ts'
import type { Bar, Candle } from './candle.ts'

export type CandleEvent =
  /** `dueAt` is the wall instant at which the candle's end fell; whatever happens after that is wait. */
  | { readonly type: 'closed'; readonly candle: Candle; readonly dueAt: Millis }
  /** The open candle as far as it goes: for people's eyes, never for training, scores or the store. */
  | { readonly type: 'preview'; readonly bar: Bar }
  | Exclude<BookEvent, { readonly type: 'closed' }>

export interface EventOptions {
  /** The feed's present, for refusing trades from the future; without it none is refused. */
  readonly now?: () => Millis
  /** At least so much wall time between two previews; Infinity for none. */
  readonly previewMsMin?: Millis
}

/** `speed` is the feed's: how many market milliseconds pass in one of the wall. */
export function candleEvents(
  book: CandleBook,
  speed: number,
  options: EventOptions = {},
): OperatorFunction<FeedItem, CandleEvent> {
  return (items) =>
    new Observable((subscriber) => {
      const reader = new ItemReader(book, speed, options)
      return items.subscribe({
        next: (item) => {
          // What breaks here is an invariant: it ends this stream, and its actor, not the process.
          try {
            reader.take(item, (event) => subscriber.next(event))
          } catch (broken) {
            subscriber.error(broken)
          }
        },
        error: (cause) => subscriber.error(cause),
        complete: () => subscriber.complete(),
      })
    })
}

class ItemReader {
  readonly #book: CandleBook
  readonly #speed: number
  readonly #now: () => Millis
  readonly #previewMsMin: Millis
  #previewedAt = Number.NEGATIVE_INFINITY
  #isPreviewStale = false

  constructor(book: CandleBook, speed: number, options: EventOptions) {
    this.#book = book
    this.#speed = speed
    this.#now = options.now ?? (() => Number.POSITIVE_INFINITY)
    this.#previewMsMin = options.previewMsMin ?? 250
  }

  take(item: FeedItem, give: (event: CandleEvent) => void): void {
    switch (item.type) {
      case 'trades': {
        const { coin, trades } = item
        this.#giveAll(this.#book.add(trades, this.#now()), undefined, give)
        tell('trades.folded', {
          coin,
          count: trades.length,
          lastAt: trades.at[trades.length - 1] ?? 0,
        })
        this.#isPreviewStale = true
        return
      }
      case 'clock': {
        this.#giveAll(this.#book.clock(item.at), item, give)
        this.#preview(item.receivedAt, give)
        return
      }
      case 'gap':
        this.#giveAll(this.#book.gap(item.gap), undefined, give)
        return
      case 'healed':
        this.#giveAll(this.#book.healed(item.gap, item.candles), undefined, give)
        return
      case 'unhealable':
        this.#book.abandon(item.gap)
        return
      case 'connected':
      case 'reconnecting':
      case 'ended':
    }
  }

  #giveAll(
    events: readonly BookEvent[],
    clock: { readonly at: Millis; readonly receivedAt: Millis } | undefined,
    give: (event: CandleEvent) => void,
  ): void {
    for (const event of events) {
      if (event.type !== 'closed') {
        give(event)
        continue
      }
      assert(clock !== undefined, 'the clock alone closes candles')
      const closeAt = event.candle.openAt + this.#book.intervalMs
      give({ ...event, dueAt: clock.receivedAt - (clock.at - closeAt) / this.#speed })
    }
  }

  #preview(receivedAt: Millis, give: (event: CandleEvent) => void): void {
    if (!this.#isPreviewStale || receivedAt - this.#previewedAt < this.#previewMsMin) return
    const bar = this.#book.preview()
    if (bar === undefined) return
    this.#previewedAt = receivedAt
    this.#isPreviewStale = false
    give({ type: 'preview', bar })
  }
}
