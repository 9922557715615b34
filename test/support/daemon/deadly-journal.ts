/**
 * A lane's journal that kills its own process, as `kill -9` would, at the write that a file names: `before cut`,
 * `after write fetched`. The file is gone once that has happened, so the next daemon lives.
 */
import { rmSync } from 'node:fs'
import { readIfThere } from '../../../ops/store/read-if-there.ts'
import { type JournalNeeds, openJournal as open } from '../../../ops/store/versions/journal.ts'
import type { LaneJournal } from '../../../supervisor/fleet/lane-journal.ts'

export function openJournal(needs: JournalNeeds): LaneJournal {
  const journal = open(needs)
  const deadly =
    <A extends readonly unknown[], R>(
      call: (...args: A) => Promise<R>,
      name: (...args: NoInfer<A>) => string,
    ): ((...args: A) => Promise<R>) =>
    async (...args) => {
      die(`before ${name(...args)}`)
      const result = await call(...args)
      die(`after ${name(...args)}`)
      return result
    }
  return {
    ...journal,
    open: deadly(journal.open, () => 'open'),
    begin: deadly(journal.begin, () => 'begin'),
    write: deadly(journal.write, (...[, , stage]) => `write ${stage}`),
    note: deadly(journal.note, (...[, stage]) => `note ${stage}`),
    judged: deadly(journal.judged, () => 'judged'),
    cut: deadly(journal.cut, () => 'cut'),
    goBack: deadly(journal.goBack, ({ kind }) => kind),
    archive: deadly(journal.archive, () => 'archive'),
    prune: deadly(journal.prune, () => 'prune'),
    end: deadly(journal.end, (...[, state]) => `end ${state}`),
  }
}

function die(now: string): void {
  const file = process.env.STARLING_TEST_DEATH ?? ''
  if (readIfThere(file) !== now) return
  rmSync(file)
  process.kill(process.pid, 'SIGKILL')
}
