/**
 * Keeps the books of one coin for versions that cannot: a candle that closes while a slot's version is paused or in
 * quarantine gets a hole with that reason. The holes heal when the version is back and answers them.
 */
import { map, type Observable } from 'rxjs'
import type { HoleReason } from '../../models/prediction.ts'
import { type Pointer, type Version, versionName } from '../../models/version.ts'
import type { Millis } from '../../streams/time.ts'
import type { LedgerEntry, LedgerReader } from '../ledger.ts'
import type { ActorSpec, Self } from '../protocol.ts'
import type { Sink } from '../sink.ts'
import type { CoinLine } from './coin-line.ts'

/** How a version stands in the tree, itself or by what it stands under. */
export type Standing = 'present' | 'paused' | 'quarantined'

export interface KeeperPorts {
  readonly line: CoinLine
  readonly reader: LedgerReader
  readonly sink: Sink
  /** The slots of the coin's lanes as they are now. */
  readonly pointers: () => readonly Pointer[]
  readonly standing: (version: Version) => Standing
  /** Emits when a version of this coin may stand differently. */
  readonly changes$: Observable<unknown>
}

export type KeeperMessage =
  | { readonly type: 'look' }
  | { readonly type: 'unanswered'; readonly absent: readonly Absent[]; readonly to: Millis }

interface Absent {
  readonly version: Version
  readonly reason: HoleReason
  readonly openAts: readonly Millis[]
}

interface KeeperState {
  /** By version: its candles before this have their holes. */
  readonly keptTo: Map<string, Millis>
  looking: boolean
  lookAgain: boolean
}

const lookMax = 4_096

export function keeper(ports: KeeperPorts): ActorSpec<KeeperState, KeeperMessage> {
  const look: KeeperMessage = { type: 'look' }
  return {
    kind: 'keeper',
    mailboxMax: 64,
    deadlineMs: 30_000,
    start: (self) => {
      self.follow(ports.line.committed$.pipe(map(() => look)))
      self.follow(ports.changes$.pipe(map(() => look)))
      return { keptTo: new Map(), looking: false, lookAgain: false }
    },
    receive: (state, message, self) => {
      switch (message.type) {
        case 'look':
          if (state.looking) state.lookAgain = true
          else lookUp(ports, state, self)
          return state
        case 'unanswered':
          record(ports, state, message.absent, message.to)
          state.looking = false
          if (state.lookAgain) lookUp(ports, state, self)
          return state
      }
    },
  }
}

function lookUp(ports: KeeperPorts, state: KeeperState, self: Self<KeeperMessage>): void {
  const to = ports.line.committedTo
  const questions: Promise<Absent>[] = []
  const seen = new Set<string>()
  for (const { coin, family, version: number } of ports.pointers()) {
    const version = { coin, family, version: number }
    const name = versionName(version)
    if (seen.has(name)) continue
    seen.add(name)
    const standing = ports.standing(version)
    if (standing === 'present') state.keptTo.delete(name)
    else {
      const unanswered = ports.reader.unanswered(version, state.keptTo.get(name) ?? 0, to, lookMax)
      questions.push(unanswered.then((openAts) => ({ version, reason: standing, openAts })))
    }
  }
  state.lookAgain = false
  if (questions.length === 0) return
  state.looking = true
  self.pipe(Promise.all(questions), (absent) => ({ type: 'unanswered', absent, to }))
}

function record(
  ports: KeeperPorts,
  state: KeeperState,
  absent: readonly Absent[],
  to: Millis,
): void {
  for (const { version, reason, openAts } of absent) {
    const { coin, family } = version
    const held = ports
      .pointers()
      .filter((it) => it.family === family && it.version === version.version)
    const entries: LedgerEntry[] = openAts.flatMap((openAt) =>
      held
        .filter((it) => openAt >= it.from && (it.until === null || openAt < it.until))
        .map(
          ({ slot }): LedgerEntry => ({
            type: 'hole',
            hole: { coin, family, slot, openAt, reason },
          }),
        ),
    )
    if (entries.length > 0 && !ports.sink.tell({ type: 'write', entries })) continue
    const isAll = openAts.length < lookMax
    state.keptTo.set(versionName(version), isAll ? to : (openAts.at(-1) as Millis) + 1)
    if (!isAll) state.lookAgain = true
  }
}
