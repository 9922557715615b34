/**
 * Tries again what the connection could not heal: a gap that is still open some time after its end, because the daemon was
 * killed in the middle or the exchange would not answer, is fetched over REST and put onto the bus. It heals only what the
 * source can prove, by its trades or, where it keeps none for so long, by its own candles; what the source will never
 * prove any more is said to be unhealable and stays on record.
 *
 * looking (every half minute) → fetching one gap → looking, sooner after a success, later after each failure
 */
import type { Bus } from '../../streams/bus.ts'
import type { Candle } from '../../streams/candles/candle.ts'
import { tell } from '../../streams/channels.ts'
import type { Coin } from '../../streams/coin.ts'
import { Fault } from '../../streams/fault.ts'
import type { Feed } from '../../streams/feeds/feed.ts'
import type { Gap } from '../../streams/gap.ts'
import { dayMs, floorTo, hourMs, type Millis, minuteMs } from '../../streams/time.ts'
import type { LedgerReader } from '../ledger.ts'
import type { ActorSpec, Self } from '../protocol.ts'

export interface HealingPorts {
  readonly coin: Coin
  readonly feed: Feed
  readonly bus: Bus
  readonly reader: Pick<LedgerReader, 'openGaps'>
  readonly intervalMs: Millis
}

/** `away`: the source could not be asked, which says nothing about the gap. */
export type Outcome = 'healed' | 'unproven' | 'unhealable' | 'away'

export type HealingMessage =
  | { readonly type: 'look' }
  | { readonly type: 'tried'; readonly gap: Gap; readonly outcome: Outcome }

interface Try {
  readonly failures: number
  readonly notBefore: Millis
}

interface HealingState {
  /** By the opening of the gap's first candle. */
  readonly tries: Map<Millis, Try>
  fetching: boolean
}

const lookEveryMs: Millis = 30_000
/** Until then the connection is at it itself: it gives a stretch a minute before it goes on without. */
const settledMs: Millis = 2 * minuteMs
const againMsMin: Millis = minuteMs
const againMsMax: Millis = hourMs
/** What a source has not told within a day it will not tell. */
const hopeMs: Millis = dayMs
/** A source that has candles from so long before a gap has not forgotten the gap. */
export const memoryMs: Millis = 6 * hourMs

export function healing(ports: HealingPorts): ActorSpec<HealingState, HealingMessage> {
  return {
    kind: 'healing',
    mailboxMax: 16,
    deadlineMs: 60_000,
    start: (self) => {
      self.tell({ type: 'look' })
      return { tries: new Map(), fetching: false }
    },
    receive: async (state, message, self) => {
      switch (message.type) {
        case 'look':
          await look(ports, state, self)
          return state
        case 'tried':
          state.fetching = false
          note(state, message.gap, message.outcome, self.clock.now())
          self.tell({ type: 'look' })
          return state
      }
    },
  }
}

async function look(
  ports: HealingPorts,
  state: HealingState,
  self: Self<HealingMessage>,
): Promise<void> {
  if (state.fetching) return
  const open = wholeCandles(await ports.reader.openGaps(ports.coin), ports.intervalMs)
  const gap = nextDue(open, state.tries, ports.feed.now() - settledMs, self.clock.now())
  if (gap === undefined) {
    self.after(lookEveryMs, { type: 'look' })
    return
  }
  state.fetching = true
  // Outside of the handler's deadline: an exchange may allow one question a second.
  self.pipe(heal(ports, gap), (outcome) => ({ type: 'tried', gap, outcome }))
}

/** Gaps widened to the candles that they touch, and those that then meet as one. */
export function wholeCandles(gaps: readonly Gap[], intervalMs: Millis): readonly Gap[] {
  const whole: Gap[] = []
  for (const gap of gaps.toSorted((a, b) => a.from - b.from)) {
    const from = floorTo(gap.from, intervalMs)
    const to = floorTo(gap.to - 1, intervalMs) + intervalMs
    const last = whole.at(-1)
    if (last === undefined || last.to < from) whole.push({ ...gap, from, to })
    else whole[whole.length - 1] = { ...last, to: Math.max(last.to, to) }
  }
  return whole
}

/** The oldest that ended before `settledTo` and whose turn it is. */
export function nextDue(
  gaps: readonly Gap[],
  tries: ReadonlyMap<Millis, { readonly notBefore: Millis }>,
  settledTo: Millis,
  now: Millis,
): Gap | undefined {
  return gaps.find(({ from, to }) => {
    const waitMs = (tries.get(from)?.notBefore ?? 0) - now
    // Nobody is made to wait for longer than that: it is from before the clock was set back.
    return to <= settledTo && (waitMs <= 0 || waitMs > againMsMax)
  })
}

function note(state: HealingState, gap: Gap, outcome: Outcome, now: Millis): void {
  const before = state.tries.get(gap.from)?.failures ?? 0
  const failures = outcome === 'unproven' ? before + 1 : 0
  // What has its end is gone from the ledger's list in a moment; it need not be fetched again until then.
  const againMs =
    outcome === 'away'
      ? lookEveryMs
      : Math.min(againMsMin * 2 ** Math.max(0, failures - 1), againMsMax)
  state.tries.set(gap.from, { failures, notBefore: now + againMs })
}

/** What the source has of a gap now. */
interface Proof {
  /** Candles of the intervals whose trades it does not tell, or not all. */
  readonly candles: readonly Candle[]
  /** From here on it would have told whatever was traded; the gap's end where it knows nothing. */
  readonly from: Millis
}

async function heal(ports: HealingPorts, gap: Gap): Promise<Outcome> {
  const { coin, feed, bus } = ports
  try {
    const { candles, from } = await prove(ports, gap)
    if (from < gap.to) {
      const healed = { ...gap, from: Math.max(gap.from, from) }
      bus.publish(coin, { type: 'healed', gap: healed, candles })
      tell('gap.healed', { ...healed })
      if (from <= gap.from) return 'healed'
    }
    const isYoung = feed.now() - gap.to < hopeMs
    if (isYoung && !(await isForgotten(ports, { ...gap, to: from }))) return 'unproven'
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return error.retryable ? 'away' : 'unproven'
  }
  bus.publish(coin, { type: 'unhealable', gap })
  tell('gap.unhealable', { ...gap })
  return 'unhealable'
}

/** Trades are put onto the bus as they come. */
async function prove(ports: HealingPorts, { from, to }: Gap): Promise<Proof> {
  const { feed, coin, bus, intervalMs } = ports
  const traded = new Set<Millis>()
  for await (const trades of orNone(feed.history.trades(coin, from, to))) {
    for (const at of trades.at.subarray(0, trades.length)) traded.add(floorTo(at, intervalMs))
    if (trades.length > 0) bus.publish(coin, { type: 'trades', coin, trades })
  }
  const told: Candle[] = []
  for await (const page of orNone(feed.history.candles(coin, from - memoryMs, to)))
    told.push(...page)
  const firstTraded = Math.min(...traded)
  const inside = told.filter(({ openAt }) => openAt >= from)
  // Trades that begin after the candles may begin in the middle of one.
  const isPartial = ({ openAt }: Candle): boolean =>
    openAt === firstTraded && (inside[0] as Candle).openAt < firstTraded
  const candles = inside.filter((it) => !traded.has(it.openAt) || isPartial(it))
  // A source without candles keeps its trades for longer than any gap that is looked at.
  if (told.length === 0) return { candles, from: traded.size === 0 ? to : from }
  return { candles, from: Math.min((told[0] as Candle).openAt, firstTraded) }
}

/** What a source does not offer at all is no trouble: there is nothing of it. */
async function* orNone<T>(pages: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* pages
  } catch (error) {
    if (!(error instanceof Fault) || error.retryable) throw error
  }
}

/** Its own record begins after the gap. One that tells nothing at all has not said so. */
async function isForgotten(
  { coin, feed, intervalMs }: HealingPorts,
  { from, to }: Gap,
): Promise<boolean> {
  const first = await feed.history.earliest(coin, from - memoryMs)
  return first >= to && first < feed.now() - intervalMs
}
