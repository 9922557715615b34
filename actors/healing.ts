/**
 * Tries again what the connection could not heal: a gap that is still open some time after its end, because the daemon was
 * killed in the middle or the exchange would not answer, is fetched over REST and put onto the bus as trades and their
 * healing. It heals only what the source can prove: each of its own candles in the gap must have trades.
 *
 * looking (every half minute) → fetching one gap → looking, sooner after a success, later after each failure
 */
import type { Bus } from '../streams/bus.ts'
import { tell } from '../streams/channels.ts'
import type { Coin } from '../streams/coin.ts'
import { Fault } from '../streams/fault.ts'
import type { Feed } from '../streams/feeds/feed.ts'
import type { Gap } from '../streams/gap.ts'
import { floorTo, hourMs, type Millis, minuteMs } from '../streams/time.ts'
import type { LedgerReader } from './ledger.ts'
import type { ActorSpec, Self } from './protocol.ts'

export interface HealingPorts {
  readonly coin: Coin
  readonly feed: Feed
  readonly bus: Bus
  readonly reader: Pick<LedgerReader, 'openGaps'>
  readonly intervalMs: Millis
}

export type HealingMessage =
  | { readonly type: 'look' }
  | { readonly type: 'tried'; readonly gap: Gap; readonly healed: boolean }

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
          note(state, message.gap, message.healed, self.clock.now())
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
  // Outside of the handler's deadline: an exchange that is away is asked until it is back.
  self.pipe(heal(ports, gap), (healed) => ({ type: 'tried', gap, healed }))
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
  return gaps.find(({ from, to }) => to <= settledTo && (tries.get(from)?.notBefore ?? 0) <= now)
}

function note(state: HealingState, gap: Gap, healed: boolean, now: Millis): void {
  const failures = (state.tries.get(gap.from)?.failures ?? 0) + 1
  // What has healed is gone from the ledger's list in a moment; it need not be fetched again until then.
  const againMs = healed ? againMsMin : Math.min(againMsMin * 2 ** (failures - 1), againMsMax)
  state.tries.set(gap.from, { failures: healed ? 0 : failures, notBefore: now + againMs })
}

async function heal({ coin, feed, bus, intervalMs }: HealingPorts, gap: Gap): Promise<boolean> {
  const { from, to } = gap
  try {
    const traded = new Set<Millis>()
    for await (const trades of feed.history.trades(coin, from, to)) {
      for (const at of trades.at.subarray(0, trades.length)) traded.add(floorTo(at, intervalMs))
      if (trades.length > 0) bus.publish(coin, { type: 'trades', coin, trades })
    }
    let told = traded.size
    for await (const page of feed.history.candles(coin, from, to)) {
      told += page.length
      if (page.some(({ openAt }) => !traded.has(openAt))) return false
    }
    // A source that knows neither trades nor candles there has not said that there were none.
    if (told === 0) return false
  } catch (error) {
    if (error instanceof Fault) return false
    throw error
  }
  bus.publish(coin, { type: 'healed', gap })
  tell('gap.healed', { ...gap })
  return true
}
