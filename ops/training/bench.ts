/** Training on this machine, put together: the same steps whether the daemon does them or a command without one. */
import { join } from 'node:path'
import type { RunJournal } from '../../actors/training/journal.ts'
import type { Workshop } from '../../actors/training/run.ts'
import { Fault } from '../../streams/fault.ts'
import { readRun } from '../store/training/read-training.ts'
import { openRunJournal } from '../store/training/training-runs.ts'
import { type FitPorts, fitTools } from './fit-tools.ts'
import { type JudgePorts, judgeTools } from './judge-tools.ts'
import { inTurns } from './machine-turn.ts'
import { openWorkFolder } from './work-folder.ts'
import { workshop } from './workshop.ts'

export interface BenchPorts extends FitPorts, JudgePorts {
  readonly registry: JudgePorts['registry']
  /** The data directory. */
  readonly path: string
  /** Where training takes turns with that of other daemons. */
  readonly turns: string
}

export interface TrainingBench {
  readonly journal: RunJournal
  readonly workshop: Workshop
  /** Removes what runs have left that are over. */
  readonly sweep: () => Promise<void>
}

export function openTrainingBench(ports: BenchPorts): TrainingBench {
  const { store, path } = ports
  // Several markets may be kept in one data directory, each with runs of the same numbers.
  const folder = openWorkFolder(join(path, 'training', store.database))
  return {
    journal: openRunJournal(store.sql, store.names),
    workshop: inTurns(workshop({ folder, ...fitTools(ports), ...judgeTools(ports) }), {
      places: ports.config.training.concurrency,
      folder: ports.turns,
      clock: ports.clock,
    }),
    sweep: () =>
      folder.sweep((run) =>
        readRun(store.sql, run).then(
          ({ state }) => state,
          (error: unknown) => {
            if (error instanceof Fault && error.code === 'training.unknown') return undefined
            throw error
          },
        ),
      ),
  }
}
