/**
 * A ledger with the promises of the real one and the manners of a bad day: commits take their time, fail before they are
 * written or after, by a seed. Writers of an older term are refused. It can say what its rows amount to.
 */
import type {
  CommitOutcome,
  HistoryWriter,
  LedgerEntry,
  LedgerWriter,
} from '../../actors/ledger.ts'
import { type Hole, healableReasons, type Prediction } from '../../models/prediction.ts'
import { type Pointer, type Version, versionName } from '../../models/version.ts'
import { Fault } from '../../streams/fault.ts'
import type { Random } from '../../streams/random.ts'
import type { Clock, Millis } from '../../streams/time.ts'
import { MemoryLedger } from '../support/actors/memory-ledger.ts'

export interface Manners {
  readonly commitMsMax: Millis
  /** Share of commits that fail, half of them after they were written. */
  readonly failing: number
}

interface SlotCandle {
  readonly pointer: Pointer
  readonly openAt: Millis
}

export class SimulatedLedger extends MemoryLedger {
  readonly predictions = new Map<string, Prediction>()
  readonly holes = new Map<string, Hole & { healed: boolean }>()
  /** Answers that differ where the same numbers went in. */
  readonly disagreed: Prediction[] = []
  #term = 0
  readonly #pointers: readonly Pointer[]
  readonly #random: Random
  readonly #clock: Clock
  readonly #manners: Manners

  constructor(pointers: readonly Pointer[], random: Random, clock: Clock, manners: Manners) {
    super()
    this.#pointers = pointers
    this.#random = random
    this.#clock = clock
    this.#manners = manners
    this.answerUnanswered = (version, from, to) => this.#unanswered(version, from, to)
  }

  /** From now on nobody else may write. */
  takeOver(): LedgerWriter & HistoryWriter {
    const term = ++this.#term
    const own = async (): Promise<void> => {
      await this.#pause()
      if (term !== this.#term) throw new Fault('lease.lost', 'another daemon holds it')
    }
    return {
      commit: async (batch) => {
        await own()
        const fails = this.#random.uniform() < this.#manners.failing
        if (fails && this.#random.uniform() < 0.5) throw refused()
        const outcome = this.#write(batch)
        await super.commit(batch)
        if (fails) throw refused()
        return outcome
      },
      writeHistory: async (candles) => {
        await own()
        return super.writeHistory(candles)
      },
    }
  }

  /** Slots and closed candles with neither a prediction nor a hole, and those with both. */
  audit(): { readonly unexplained: readonly string[]; readonly twice: readonly string[] } {
    const unexplained: string[] = []
    const twice: string[] = []
    for (const { pointer, openAt } of this.#audited()) {
      const answered = this.predictions.has(key(pointer, openAt))
      const hole = this.holes.get(holeKey(pointer, openAt))
      const left = hole !== undefined && !hole.healed
      const name = `${versionName(pointer)} ${pointer.slot} ${new Date(openAt).toISOString()}`
      if (answered && left) twice.push(name)
      if (!answered && !left) unexplained.push(name)
    }
    return { unexplained, twice }
  }

  /** What was said at each candle and from which numbers, without when and by whom. */
  answers(from: Millis, to: Millis): ReadonlyMap<string, string> {
    const said = new Map<string, string>()
    for (const [at, it] of this.predictions) {
      const { openAt, inputHash, signal, probabilities, value } = it
      if (openAt >= from && openAt < to)
        said.set(at, JSON.stringify([inputHash, signal, probabilities, value]))
    }
    return said
  }

  *#audited(): Generator<SlotCandle> {
    for (const pointer of this.#pointers) {
      const closed = this.all(pointer.coin)
      // The candle before the newest: the answers to that one may be under way.
      for (const { openAt } of closed.slice(0, -1)) {
        if (openAt >= pointer.from && (pointer.until === null || openAt < pointer.until))
          yield { pointer, openAt }
      }
    }
  }

  #write(batch: readonly LedgerEntry[]): CommitOutcome {
    const predictions: CommitOutcome['predictions'][number][] = []
    for (const entry of batch) {
      if (entry.type === 'hole') this.#leave(entry.hole)
      if (entry.type !== 'prediction') continue
      const fresh = this.#answer(entry.prediction)
      predictions.push({ mode: 'live', fresh, waitMs: 0 })
    }
    return { predictions, disagreed: [] }
  }

  #answer(prediction: Prediction): boolean {
    const known = this.predictions.get(key(prediction, prediction.openAt))
    if (known) {
      const agrees =
        JSON.stringify(known.probabilities) === JSON.stringify(prediction.probabilities)
      if (known.inputHash === prediction.inputHash && !agrees) this.disagreed.push(prediction)
      return false
    }
    this.predictions.set(key(prediction, prediction.openAt), prediction)
    for (const pointer of this.#pointers) {
      if (versionName(pointer) !== versionName(prediction)) continue
      const hole = this.holes.get(holeKey(pointer, prediction.openAt))
      if (hole) hole.healed = true
    }
    return true
  }

  /** None where the slot's version has answered; a reason that stays replaces one that might have healed. */
  #leave(hole: Hole): void {
    const at = holeKey(hole, hole.openAt)
    const holder = this.#pointers.find(
      (it) =>
        holeKey(it, hole.openAt) === at &&
        it.from <= hole.openAt &&
        (it.until === null || it.until > hole.openAt),
    )
    if (holder && this.predictions.has(key(holder, hole.openAt))) return
    const known = this.holes.get(at)
    if (known && (known.healed || !healableReasons.includes(known.reason))) return
    this.holes.set(at, { ...hole, healed: false })
  }

  #unanswered(version: Version, from: Millis, to: Millis): readonly Millis[] {
    const open = new Set<Millis>()
    for (const pointer of this.#pointers) {
      if (versionName(pointer) !== versionName(version)) continue
      for (const { openAt } of this.all(version.coin)) {
        if (openAt < Math.max(from, pointer.from) || openAt >= to) continue
        if (this.predictions.has(key(version, openAt))) continue
        const hole = this.holes.get(holeKey(pointer, openAt))
        const stays = hole && !hole.healed && !healableReasons.includes(hole.reason)
        if (!stays) open.add(openAt)
      }
    }
    return [...open].sort((a, b) => a - b)
  }

  #pause(): Promise<void> {
    const ms = Math.floor(this.#random.uniform() * this.#manners.commitMsMax)
    return new Promise((resolve) => this.#clock.schedule(() => resolve(), ms))
  }
}

function key(version: Version, openAt: Millis): string {
  return `${versionName(version)} ${openAt}`
}

function holeKey(it: Pick<Hole, 'coin' | 'family' | 'slot'>, openAt: Millis): string {
  return `${it.coin} ${it.family} ${it.slot} ${openAt}`
}

function refused(): Fault {
  return new Fault('store.unavailable', 'the connection is lost', { retryable: true })
}
