/** What is known of a family before anything of it is trained: whether it can be here, and by which program. */
import { join } from 'node:path'
import type { StepWork } from '../../actors/training/run.ts'
import type { TrainerCommand } from '../../actors/training/trainer-process.ts'
import { type Family, openFamily } from '../../models/family.ts'
import { Fault } from '../../streams/fault.ts'
import { environment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import { type FoundPython, findPython, pythonFor } from './python.ts'
import { candlesFor } from './stretch.ts'
import type { Trainable } from './training.ts'

const unheardOf = { candlesMin: 0, candlesMax: 0 }

export function trainable(name: string, config: Config): Trainable {
  const family = familyOf(name)
  if (family instanceof Fault) return { obstacle: family.message, ...unheardOf }
  const needs = {
    rowsMax: family.rowsMax,
    testDaysMin: config.gate.daysMin,
    intervalMs: config.market.interval,
  }
  return { obstacle: obstacleOf(family), ...candlesFor(needs) }
}

function familyOf(name: string): Family | Fault {
  try {
    return openFamily(name)
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}

function obstacleOf({ trainer }: Family): string | null {
  switch (trainer.runtime) {
    case 'node':
      return null
    case 'python': {
      python ??= findPython(environment())
      return python.type === 'found' ? null : python.mend
    }
  }
}

/** Looked for once in a daemon's life: asking a program for its version holds everything up for a moment. */
let python: FoundPython | undefined

/** Trainers whose Python, where they need one, lives in this data directory. */
export function trainersIn(
  path: string,
): (family: Family, work: StepWork) => Promise<TrainerCommand> {
  return async ({ trainer, folder }, { log, signal }) => {
    const args = [join(folder, trainer.entry)]
    switch (trainer.runtime) {
      case 'node':
        return { command: process.execPath, args, env: {} }
      case 'python': {
        const { requirements } = trainer
        const env = environment()
        return { args, ...(await pythonFor({ path, requirements, env, say: log, signal })) }
      }
    }
  }
}
