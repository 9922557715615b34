/**
 * The only writer of the ledger. What it is given becomes durable in the order in which it came, in batches of one
 * transaction each; it answers only after the commit. When the database is away it waits and tries again with the very
 * same batch: every row's key makes that harmless. Rows of an incarnation that is no longer the current one are refused.
 *
 * idle → lingering (rows wait for company) → committing → idle, or → waiting (the database refused) → committing
 */
import { tell } from '../streams/channels.ts'
import type { Coin } from '../streams/coin.ts'
import { Fault } from '../streams/fault.ts'
import type { Millis } from '../streams/time.ts'
import { type BatchPolicy, decideBatch } from './batching.ts'
import type { CommitOutcome, LedgerEntry, LedgerWriter } from './ledger.ts'
import type { ActorSpec, Address, Self } from './protocol.ts'

export interface Write {
  readonly type: 'write'
  readonly entries: readonly LedgerEntry[]
  /** Told once the entries are durable, with what became of the predictions among them. */
  readonly replyTo?: (outcome: WriteOutcome) => void
}

export interface WriteOutcome {
  readonly predictions: CommitOutcome['predictions']
  /** Predictions that came from an incarnation that is no longer the current one, and were not written. */
  readonly stale: number
}

export type SinkCommand = Write
export type Sink = Address<SinkCommand>

type Own =
  | { readonly type: 'lingerOver' }
  | { readonly type: 'committed'; readonly outcome: CommitOutcome; readonly startedAt: Millis }
  | { readonly type: 'refused'; readonly fault: Fault }
  | { readonly type: 'again' }

export interface SinkPorts {
  readonly writer: LedgerWriter
  readonly marketNow: (coin: Coin) => Millis
  /** Is this the life that the tree knows under that path? */
  readonly isCurrent: (path: string, epoch: number) => boolean
  readonly policy: BatchPolicy
}

interface SinkState {
  readonly waiting: Write[]
  waitingRows: number
  oldestAt: Millis
  committedAt: Millis
  lingering: boolean
  batch: Batch | undefined
  /** The transaction under way. */
  inflight: Promise<CommitOutcome> | undefined
  attempt: number
}

interface Batch {
  readonly writes: readonly Write[]
  readonly entries: readonly LedgerEntry[]
  readonly stale: ReadonlyMap<Write, number>
}

export function sink(ports: SinkPorts): ActorSpec<SinkState, SinkCommand | Own> {
  return {
    kind: 'sink',
    mailboxMax: 20_000,
    deadlineMs: 30_000,
    start: () => ({
      waiting: [],
      waitingRows: 0,
      oldestAt: 0,
      committedAt: 0,
      lingering: false,
      batch: undefined,
      inflight: undefined,
      attempt: 0,
    }),
    receive: (state, message, self) => {
      switch (message.type) {
        case 'write':
          // Nothing to write is written: a challenger's hole is in no slot, and nobody else may come to wake this up.
          if (message.entries.length === 0) {
            message.replyTo?.({ predictions: [], stale: 0 })
            return state
          }
          if (state.waiting.length === 0) state.oldestAt = self.clock.now()
          state.waiting.push(message)
          state.waitingRows += message.entries.length
          return advance(ports, state, self)
        case 'lingerOver':
          state.lingering = false
          return advance(ports, state, self)
        case 'committed':
          answer(state, message.outcome)
          tell('sink.committed', {
            rows: state.batch?.entries.length ?? 0,
            ms: self.clock.now() - message.startedAt,
            stale: [...(state.batch?.stale.values() ?? [])].reduce((sum, n) => sum + n, 0),
          })
          state.batch = undefined
          state.inflight = undefined
          state.attempt = 0
          state.committedAt = self.clock.now()
          return advance(ports, state, self)
        case 'refused':
          state.attempt++
          state.inflight = undefined
          tell('sink.waiting', {
            code: message.fault.code,
            attempt: state.attempt,
            queued: state.waitingRows,
          })
          self.after(Math.min(5_000, 50 * 2 ** Math.min(state.attempt, 10)), { type: 'again' })
          return state
        case 'again':
          commit(ports, state, self)
          return state
      }
    },
    drain: async (state) => {
      await flush(ports, state)
    },
  }
}

function advance(ports: SinkPorts, state: SinkState, self: Self<SinkCommand | Own>): SinkState {
  const decision = decideBatch(
    ports.policy,
    {
      rows: state.waitingRows,
      oldestAt: state.oldestAt,
      committedAt: state.committedAt,
      committing: state.batch !== undefined,
    },
    self.clock.now(),
  )
  if (decision.type === 'commit') {
    state.batch = takeBatch(ports, state, self.clock.now())
    commit(ports, state, self)
  } else if (decision.type === 'wait' && !state.lingering) {
    state.lingering = true
    self.after(decision.ms, { type: 'lingerOver' })
  }
  return state
}

function takeBatch(ports: SinkPorts, state: SinkState, now: Millis): Batch {
  const writes: Write[] = []
  const entries: LedgerEntry[] = []
  const stale = new Map<Write, number>()
  const isCurrent = remembered(ports.isCurrent)
  while (state.waiting.length > 0 && entries.length < ports.policy.rowsMax) {
    const write = state.waiting.shift() as Write
    writes.push(write)
    for (const entry of write.entries) {
      if (
        entry.type === 'prediction' &&
        !isCurrent(entry.prediction.path, entry.prediction.epoch)
      ) {
        stale.set(write, (stale.get(write) ?? 0) + 1)
      } else entries.push(entry)
    }
    state.waitingRows -= write.entries.length
  }
  state.oldestAt = now
  return { writes, entries, stale }
}

/** The rows of one write come from one life: it is looked at once. */
function remembered(isCurrent: SinkPorts['isCurrent']): SinkPorts['isCurrent'] {
  let [knownPath, knownEpoch, known] = ['', -1, false]
  return (path, epoch) => {
    if (path !== knownPath || epoch !== knownEpoch)
      [knownPath, knownEpoch, known] = [path, epoch, isCurrent(path, epoch)]
    return known
  }
}

function commit(ports: SinkPorts, state: SinkState, self: Self<SinkCommand | Own>): void {
  const startedAt = self.clock.now()
  state.inflight = ports.writer.commit(state.batch?.entries ?? [], ports.marketNow)
  const settled: Promise<Own> = state.inflight.then(
    (outcome) => ({ type: 'committed', outcome, startedAt }),
    (error) => {
      if (error instanceof Fault && error.retryable) return { type: 'refused', fault: error }
      throw error
    },
  )
  self.pipe(settled, (message) => message)
}

function answer(state: SinkState, outcome: CommitOutcome): void {
  for (const version of outcome.disagreed) tell('prediction.disagreed', version)
  let next = 0
  for (const write of state.batch?.writes ?? []) {
    const stale = state.batch?.stale.get(write) ?? 0
    const written = write.entries.filter((entry) => entry.type === 'prediction').length - stale
    const predictions = outcome.predictions.slice(next, next + written)
    next += written
    write.replyTo?.({ predictions, stale })
  }
}

/** On the way out: what has been taken is written, or the deadline ends the wait and the next start makes it again. */
async function flush(ports: SinkPorts, state: SinkState): Promise<void> {
  for (;;) {
    state.batch ??= state.waiting.length > 0 ? takeBatch(ports, state, 0) : undefined
    if (!state.batch) return
    state.inflight ??= ports.writer.commit(state.batch.entries, ports.marketNow)
    answer(state, await state.inflight)
    state.batch = undefined
    state.inflight = undefined
  }
}
