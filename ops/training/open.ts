/** Training on this machine, put together: the same steps whether the daemon does them or a command without one. */
import { join } from 'node:path'
import type { RunJournal } from '../../actors/training/journal.ts'
import type { Workshop } from '../../actors/training/run.ts'
import type { Registry } from '../../models/registry.ts'
import { Fault } from '../../streams/fault.ts'
import type { Clock, Millis } from '../../streams/time.ts'
import type { Config } from '../config/schema.ts'
import type { Store } from '../store/store.ts'
import { readRun } from '../store/training/read-training.ts'
import { openRunJournal } from '../store/training/training-runs.ts'
import { fitTools } from './fit-tools.ts'
import { judgeTools } from './judge-tools.ts'
import type { Trainers } from './trainable.ts'
import { openWorkFolder } from './work-folder.ts'
import { workshop } from './workshop.ts'

export interface BenchPorts {
  readonly store: Store
  readonly registry: Pick<Registry, 'publish' | 'fetch'>
  readonly config: Config
  readonly clock: Clock
  /** The data directory. */
  readonly path: string
  readonly trainers: Trainers
  /** In the place of what is usual, for tests. */
  readonly trainerLimits?: { readonly silenceMs: Millis; readonly memoryBytes: number }
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
    workshop: workshop({ folder, ...fitTools(ports), ...judgeTools(ports) }),
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
