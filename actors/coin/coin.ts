/**
 * One coin, alive: its candles as they close, their features, and the order in which both become durable. It follows the
 * bus, keeps the candle book, steps the engine, hands candle, features and position to the sink in one write, and only
 * then tells the versions that a candle has closed: no prediction can reach the ledger before its candle.
 *
 * A correction inside the window rewrites the newest rows at once. An older one (a gap healed late) is committed first,
 * and then the engine is rebuilt from the store while arrivals wait: following → committing the mend → rebuilding → following.
 */
import { ignoreElements, tap } from 'rxjs'
import type { Bus } from '../../streams/bus.ts'
import { CandleBook } from '../../streams/candles/book.ts'
import type { Candle } from '../../streams/candles/candle.ts'
import { candleEvents } from '../../streams/candles/events.ts'
import { tell } from '../../streams/channels.ts'
import type { Feed, FeedItem } from '../../streams/feeds/feed.ts'
import type { Gap } from '../../streams/gap.ts'
import { floorTo, type Millis } from '../../streams/time.ts'
import type { LedgerReader } from '../ledger.ts'
import type { ActorSpec, Self } from '../protocol.ts'
import type { Sink } from '../sink.ts'
import type { CoinEngine } from './coin-engine.ts'
import { type Arrival, type Gathered, gather } from './coin-intake.ts'
import type { CoinLine } from './coin-line.ts'
import { type CatchUpPorts, catchUp, keepOrigin, loadEngine } from './coin-start.ts'
import type { FeatureHistory } from './feature-history.ts'
import { HandOver } from './hand-over.ts'

export interface CoinPorts extends CatchUpPorts {
  readonly line: CoinLine
  readonly feed: Feed
  readonly bus: Bus
  readonly reader: LedgerReader
  readonly features: FeatureHistory
  readonly featureHash: string
  readonly sink: Sink
  readonly graceMs: Millis
  readonly correctionMs: Millis
  /** Told when every candle before `to` is durable. */
  readonly committed: (to: Millis) => void
}

export type CoinMessage =
  | { readonly type: 'arrived' }
  | { readonly type: 'offerAgain' }
  | ({ readonly type: 'committed'; readonly to: Millis } & Pick<Gathered, 'closed' | 'corrected'>)
  | { readonly type: 'mendCommitted'; readonly from: Millis }
  | { readonly type: 'rebuilt'; readonly engine: CoinEngine; readonly from: Millis }

interface CoinState {
  engine: CoinEngine
  /** Opening of the first candle that has not closed. */
  position: Millis
  readonly arrivals: HandOver<Arrival>
  /** Gathered, but the sink was full. */
  held: Gathered | undefined
  rebuilding: boolean
  /** Writes that the sink has and has not committed. */
  underWay: number
}

/** Arrivals taken up in one turn; a long catch-up leaves room for other actors in between. */
const turnMax = 256
/** Feed items a coin may be behind before it starts again from what is committed: over an hour of a busy market. */
const arrivalsMax = 50_000
/** While so many wait for their commit, arrivals are gathered; over their bound the coin starts again. */
const underWayMax = 32
const retryMs = 20

export function coin(ports: CoinPorts): ActorSpec<CoinState, CoinMessage> {
  return {
    kind: 'coin',
    mailboxMax: 1_000,
    deadlineMs: 120_000,
    start: (self) => start(ports, self),
    receive: async (state, message, self) => {
      switch (message.type) {
        case 'arrived':
          takeUp(ports, state, self)
          return state
        case 'offerAgain':
          if (state.held) offer(ports, state, self, state.held)
          return state
        case 'committed':
          ports.line.committedTo = Math.max(ports.line.committedTo, message.to)
          ports.committed(message.to)
          ports.line.committed$.next(message.to)
          for (const { candle, dueAt } of message.closed)
            tellCandle(candle, Math.max(0, self.clock.now() - dueAt))
          for (const candle of message.corrected) tellCandle(candle, 0)
          state.underWay--
          if (state.arrivals.length > 0) takeUp(ports, state, self)
          return state
        case 'mendCommitted':
          self.pipe(rebuild(ports, message.from, state.position, self.signal), (engine) => ({
            type: 'rebuilt',
            engine,
            from: message.from,
          }))
          return state
        case 'rebuilt':
          state.engine = message.engine
          state.rebuilding = false
          ports.line.hints$.next({ type: 'mended', from: message.from })
          takeUp(ports, state, self)
          return state
      }
    },
  }
}

function tellCandle(candle: Candle, waitMs: Millis): void {
  const { coin, openAt, open, high, low, close, volume, trades, state, revision } = candle
  const bar = { open, high, low, close, volume, trades }
  tell('candle.closed', { coin, openAt, ...bar, state, revision, waitMs })
}

async function start(ports: CoinPorts, self: Self<CoinMessage>): Promise<CoinState> {
  const { line, reader } = ports
  const position = await catchUp(ports, line.coin)
  const engine = await loadEngine(ports, position, self.signal)
  await keepOrigin(ports, engine, position)
  const correctable = position - ports.correctionMs
  const recent: Candle[] = []
  for await (const page of reader.candles(line.coin, correctable, position)) recent.push(...page)
  const gaps = await reader.openGaps(line.coin)
  const book = new CandleBook({
    coin: line.coin,
    intervalMs: line.intervalMs,
    countsTrades: ports.feed.history.candleColumns.trades,
    graceMs: ports.graceMs,
    correctionMs: ports.correctionMs,
    from: recent[0]?.openAt ?? position,
    known: [...(await missing(ports, gaps, correctable)), ...recent],
    gaps,
  })
  self.signal.throwIfAborted()
  const arrivals = new HandOver<Arrival>(`coin ${line.coin}`, arrivalsMax, () => {
    self.tell({ type: 'arrived' })
  })
  line.committedTo = position
  ports.committed(position)
  self.follow(
    ports.bus.of(line.coin).pipe(
      tap((item) => {
        if (isRecorded(item)) arrivals.put(item)
      }),
      candleEvents(
        book,
        ports.feed.speed,
        ports.feed.mode === 'live' ? { now: () => ports.feed.now() } : {},
      ),
      tap((event) => arrivals.put(event)),
      ignoreElements(),
    ),
  )
  return { engine, position, arrivals, held: undefined, rebuilding: false, underWay: 0 }
}

/** What the ledger has of a market beside its candles. */
function isRecorded(item: FeedItem): item is Extract<Arrival, FeedItem> {
  return ['trades', 'gap', 'healed', 'unhealable'].includes(item.type)
}

/** Candles before `to` that may still heal, however old they are. */
async function missing(
  { line, reader }: CoinPorts,
  gaps: readonly Gap[],
  to: Millis,
): Promise<readonly Candle[]> {
  const known = new Map<Millis, Candle>()
  for (const gap of gaps) {
    const from = floorTo(gap.from, line.intervalMs)
    for await (const page of reader.candles(line.coin, from, Math.min(gap.to, to)))
      for (const candle of page) known.set(candle.openAt, candle)
  }
  return [...known.values()]
}

async function rebuild(
  ports: CoinPorts,
  from: Millis,
  position: Millis,
  signal: AbortSignal,
): Promise<CoinEngine> {
  await ports.reader.dropSnapshots(ports.line.coin, from)
  return loadEngine(ports, position, signal)
}

function takeUp(ports: CoinPorts, state: CoinState, self: Self<CoinMessage>): void {
  if (state.rebuilding || state.held || state.underWay >= underWayMax) return
  const gathered: Gathered = {
    entries: [],
    closed: [],
    corrected: [],
    mendedFrom: undefined,
    needsRebuild: false,
  }
  const { arrivals } = state
  for (let taken = 0; taken < turnMax; taken++) {
    const arrival = arrivals.peek()
    if (arrival === undefined) break
    if (gathered.needsRebuild && arrival.type !== 'corrected') break
    gather(ports, state, arrival, gathered)
    arrivals.shift()
  }
  if (gathered.entries.length > 0) offer(ports, state, self, gathered)
  else if (arrivals.length > 0) self.tell({ type: 'arrived' })
}

function offer(
  ports: CoinPorts,
  state: CoinState,
  self: Self<CoinMessage>,
  gathered: Gathered,
): void {
  const { line, sink } = ports
  const { closed, corrected, needsRebuild } = gathered
  const to = state.position
  const mendedFrom = gathered.mendedFrom ?? to
  const taken = sink.tell({
    type: 'write',
    entries: gathered.entries,
    replyTo: () => {
      self.answers.tell({ type: 'committed', to, closed, corrected })
      if (needsRebuild) self.answers.tell({ type: 'mendCommitted', from: mendedFrom })
    },
  })
  if (!taken) {
    state.held = gathered
    self.after(retryMs, { type: 'offerAgain' })
    return
  }
  state.held = undefined
  state.underWay++
  const last = closed.at(-1)
  if (last) line.hints$.next({ type: 'closed', openAt: last.candle.openAt })
  state.rebuilding = needsRebuild
  if (needsRebuild) return
  if (mendedFrom < to) line.hints$.next({ type: 'mended', from: mendedFrom })
  if (state.arrivals.length > 0) self.tell({ type: 'arrived' })
}
