/** A journal that says on the channels what has been written, once it has: the log, the events and the metrics listen. */
import type { Version } from '../../models/version.ts'
import { tell } from '../../streams/channels.ts'
import type { LaneJournal, Stage, Swap } from './lane-journal.ts'

export function toldJournal(journal: LaneJournal): LaneJournal {
  const stage = (version: Version, at: Stage, swap: number | null, reason: string | null): void =>
    tell('version.stage', { ...version, stage: at, swap, reason })
  const told = (swap: Swap): Swap => {
    tellSwap(swap)
    return swap
  }
  return {
    ...journal,
    open: async (order) => told(await journal.open(order)),
    begin: async (id, candleAt) => {
      const swap = await journal.begin(id, candleAt)
      return swap.state === 'done' ? told(swap) : swap
    },
    judged: async (swap, verdict, candleAt) => {
      await journal.judged(swap, verdict, candleAt)
      tell('version.judged', { swap, verdict: verdict.verdict, candles: verdict.candles })
    },
    cut: async (swap, at) => {
      const pointers = await journal.cut(swap, at)
      tell('swap.cut', { swap, cutAt: at })
      return pointers
    },
    write: async (swap, version, at, candleAt, reason) => {
      await journal.write(swap, version, at, candleAt, reason)
      stage(version, at, swap, reason ?? null)
    },
    note: async (version, at, reason) => {
      await journal.note(version, at, reason)
      stage(version, at, null, reason)
    },
    goBack: async (how) => told(await journal.goBack(how)),
    archive: async (version, reason) => {
      await journal.archive(version, reason)
      stage(version, 'archived', null, reason)
    },
    end: async (swap, state, reason) => told(await journal.end(swap, state, reason)),
  }
}

function tellSwap(swap: Swap): void {
  const { id, lane, kind, from, to, state, reason, cutAt, missed, twice, longestWaitMs } = swap
  tell('swap.changed', {
    swap: id,
    ...lane,
    kind,
    fromVersion: from?.version ?? null,
    toVersion: to.version,
    state,
    reason,
    cutAt,
    missed,
    twice,
    longestWaitMs,
    seconds: swap.endedAt === null ? null : (swap.endedAt - swap.startedAt) / 1000,
  })
}
