/** A journal that says on the channels what has been written, once it has: the log, the events and the metrics listen. */
import { tell } from '../../streams/channels.ts'
import type { LaneJournal, Ordered, Stage, Swap } from './lane-journal.ts'

export function toldJournal(journal: LaneJournal): LaneJournal {
  return {
    ...journal,
    open: async (order) => {
      const swap = await journal.open(order)
      if (swap.isNew) tellOrder(swap)
      return swap
    },
    begin: async (id, candleAt) => {
      const swap = await journal.begin(id, candleAt)
      if (swap.state === 'done') tellSwap(swap)
      else tellStages(swap, ['announced'])
      return swap
    },
    judged: async (id, verdict, candleAt) => {
      const swap = await journal.judged(id, verdict, candleAt)
      const { verdict: is, candles } = verdict
      const isRenewed = swap.renewed !== null
      tell('version.judged', { ...swap.to, swap: id, verdict: is, candles, isRenewed })
      return swap
    },
    cut: async (id, at) => {
      const swap = await journal.cut(id, at)
      const [fromVersion, toVersion] = [swap.from?.version ?? null, swap.to.version]
      tell('swap.cut', { swap: id, ...swap.lane, fromVersion, toVersion, cutAt: at })
      tellStages(swap, ['serving', 'draining'])
      return swap
    },
    write: async (swap, version, stage, candleAt, reason) => {
      const isNew = await journal.write(swap, version, stage, candleAt, reason)
      if (isNew) tell('version.stage', { ...version, stage, swap, reason: reason ?? null })
      return isNew
    },
    note: async (version, stage, reason) => {
      await journal.note(version, stage, reason)
      tell('version.stage', { ...version, stage, swap: null, reason })
    },
    goBack: async (how) => {
      const swap = await journal.goBack(how)
      tellOrder(swap)
      tellStages(swap, ['serving', 'draining'])
      return swap
    },
    archive: async (version, reason) => {
      await journal.archive(version, reason)
      tell('version.stage', { ...version, stage: 'archived', swap: null, reason })
    },
    end: async (id, state, reason) => {
      const swap = await journal.end(id, state, reason)
      tellEnd(swap)
      return swap
    },
  }
}

function tellOrder(swap: Ordered): void {
  tellSwap(swap)
  for (const overtaken of swap.overtaken) tellEnd(overtaken)
}

function tellEnd(swap: Swap): void {
  if (swap.state !== 'done') tellStages(swap, ['rejected', 'archived'])
  tellSwap(swap)
}

/** Of the swap's transitions those that are written with it, and not by themselves. */
function tellStages({ id, transitions }: Swap, written: readonly Stage[]): void {
  for (const { version, stage, reason } of transitions)
    if (written.includes(stage)) tell('version.stage', { ...version, stage, swap: id, reason })
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
