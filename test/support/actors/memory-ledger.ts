/**
 * A ledger in memory, for actors' tests that need what was written to be read again. It keeps the order of commits and
 * what the port promises, and nothing of a database.
 */
import type {
  CommitOutcome,
  HistoryWriter,
  LedgerEntry,
  LedgerReader,
  LedgerWriter,
} from '../../../actors/ledger.ts'
import type { Version } from '../../../models/version.ts'
import type { Candle } from '../../../streams/candles/candle.ts'
import type { Coin } from '../../../streams/coin.ts'
import type { Gap } from '../../../streams/gap.ts'
import type { Millis } from '../../../streams/time.ts'

export type Question = readonly [version: Version, from: Millis, to: Millis, limit: number]

export class MemoryLedger implements LedgerWriter, LedgerReader, HistoryWriter {
  readonly entries: LedgerEntry[] = []
  /** What `unanswered` was asked, and what it answers: all candles, until a test says otherwise. */
  readonly questions: Question[] = []
  answerUnanswered: ((...question: Question) => readonly Millis[]) | undefined
  readonly #candles = new Map<Coin, Map<Millis, Candle>>()
  readonly #positions = new Map<Coin, Millis>()
  #snapshots: Extract<LedgerEntry, { type: 'snapshot' }>[] = []
  #gaps: Gap[] = []

  commit(batch: readonly LedgerEntry[]): Promise<CommitOutcome> {
    for (const entry of batch) this.#take(entry)
    const predictions = batch
      .filter((entry) => entry.type === 'prediction')
      .map(() => ({ mode: 'live' as const, fresh: true, waitMs: 0 }))
    return Promise.resolve({ predictions, disagreed: [] })
  }

  writeHistory(candles: readonly Candle[]): Promise<number> {
    const fresh = candles.filter(({ coin, openAt }) => !this.#of(coin).has(openAt))
    for (const candle of fresh) this.#of(candle.coin).set(candle.openAt, candle)
    return Promise.resolve(fresh.length)
  }

  position(coin: Coin): Promise<Millis | undefined> {
    return Promise.resolve(this.#positions.get(coin))
  }

  async *candles(coin: Coin, from: Millis, to: Millis): AsyncGenerator<readonly Candle[]> {
    const within = this.all(coin).filter(({ openAt }) => openAt >= from && openAt < to)
    for (let i = 0; i < within.length; i += 1_000) yield within.slice(i, i + 1_000)
  }

  candleRange(coin: Coin): Promise<{ readonly from: Millis; readonly to: Millis } | undefined> {
    const [all, intervalMs] = [this.all(coin), 60_000]
    const [first, last] = [all[0], all.at(-1)]
    return Promise.resolve(
      first && last ? { from: first.openAt, to: last.openAt + intervalMs } : undefined,
    )
  }

  snapshot(
    coin: Coin,
    hash: string,
    at: Millis,
  ): Promise<{ readonly at: Millis; readonly state: Uint8Array } | undefined> {
    const known = this.#snapshots.filter(
      (it) => it.coin === coin && it.hash === hash && it.at <= at,
    )
    return Promise.resolve(known.sort((a, b) => a.at - b.at).at(-1))
  }

  origins(coin: Coin, hash: string): Promise<readonly Millis[]> {
    const known = this.#snapshots.filter((it) => it.coin === coin && it.hash === hash)
    return Promise.resolve(known.filter(({ isOrigin }) => isOrigin).map(({ at }) => at))
  }

  openGaps(coin: Coin): Promise<readonly Gap[]> {
    return Promise.resolve(this.#gaps.filter((gap) => gap.coin === coin))
  }

  dropSnapshots(coin: Coin, after: Millis): Promise<void> {
    this.#snapshots = this.#snapshots.filter((it) => it.coin !== coin || it.at <= after)
    return Promise.resolve()
  }

  unanswered(...question: Question): Promise<readonly Millis[]> {
    this.questions.push(question)
    const [version, from, to, limit] = question
    const answer =
      this.answerUnanswered?.(...question) ??
      this.all(version.coin)
        .map(({ openAt }) => openAt)
        .filter((openAt) => openAt >= from && openAt < to)
    return Promise.resolve(answer.slice(0, limit))
  }

  /** A coin's candles as they are now, ascending. */
  all(coin: Coin): readonly Candle[] {
    return [...this.#of(coin).values()].sort((a, b) => a.openAt - b.openAt)
  }

  written<T extends LedgerEntry['type']>(type: T): Extract<LedgerEntry, { type: T }>[] {
    return this.entries.filter((it): it is Extract<LedgerEntry, { type: T }> => it.type === type)
  }

  #take(entry: LedgerEntry): void {
    this.entries.push(entry)
    if (entry.type === 'candle') this.#of(entry.candle.coin).set(entry.candle.openAt, entry.candle)
    if (entry.type === 'position') this.#positions.set(entry.coin, entry.at)
    if (entry.type === 'snapshot') this.#snapshots.push(entry)
    if (entry.type === 'gap') {
      const { coin, from, to } = entry.gap
      const isInside = (gap: Gap): boolean => gap.coin === coin && gap.from >= from && gap.to <= to
      if (entry.fate !== 'open') this.#gaps = this.#gaps.filter((gap) => !isInside(gap))
      else if (!this.#gaps.some((gap) => isInside(gap) && gap.from === from && gap.to === to))
        this.#gaps.push(entry.gap)
    }
  }

  #of(coin: Coin): Map<Millis, Candle> {
    const known = this.#candles.get(coin) ?? new Map<Millis, Candle>()
    this.#candles.set(coin, known)
    return known
  }
}
