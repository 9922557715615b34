/** Which families can be trained here, by which program, and what stands in the way of the others. */
import { join } from 'node:path'
import type { StepWork } from '../../actors/training/run.ts'
import type { TrainerCommand } from '../../actors/training/trainer-process.ts'
import { type Family, openFamily } from '../../models/family.ts'
import { oneCore } from '../../models/training/politely.ts'
import { tell } from '../../streams/channels.ts'
import { Fault } from '../../streams/fault.ts'
import { type Clock, hourMs, type Millis, minuteMs } from '../../streams/time.ts'
import type { Environment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import {
  type FoundPython,
  findPython,
  isSetUp,
  pythonFor,
  type Requirements,
  sizes,
} from './python.ts'
import { candlesFor } from './stretch.ts'
import type { Trainable } from './training.ts'

export interface Trainers {
  /**
   * Why a family cannot be trained here now, and what to do; null where it can, as far as is known. `afresh` where a person
   * asks, who may have mended it since.
   */
  readonly obstacleTo: (family: Family, afresh?: boolean) => Fault | null
  /** The program that trains it, made ready where that takes something. */
  readonly commandFor: (family: Family, work: StepWork) => Promise<TrainerCommand>
}

export interface TrainersPorts {
  /** The data directory, in which Python's packages live. */
  readonly path: string
  readonly env: Environment
  readonly clock: Clock
  /** Packages that are not here may be downloaded. */
  readonly mayFetch?: boolean
}

/** What could not be set up is left alone for so long: whoever mends the network need not restart anything. */
const leftAloneMs: Millis = hourMs
/** Three gigabytes over a slow line. */
const setUpMsMax: Millis = 20 * minuteMs
const signEveryMs: Millis = 5_000

export function openTrainers({ path, env, clock, mayFetch = true }: TrainersPorts): Trainers {
  let python: FoundPython | undefined
  const failed = new Map<Requirements, { readonly at: Millis; readonly fault: Fault }>()

  const obstacleTo: Trainers['obstacleTo'] = ({ trainer }, afresh = false) => {
    switch (trainer.runtime) {
      case 'node':
        return null
      case 'python': {
        // Not at every look: asking a program for its version holds everything up for a moment.
        if (afresh || python === undefined) python = findPython(env)
        if (python.type !== 'found') return new Fault(`python.${python.type}`, python.mend)
        if (!mayFetch && !isSetUp(path, trainer.requirements, python.version))
          return notFetched(trainer.requirements)
        const last = failed.get(trainer.requirements)
        return last && !afresh && clock.now() - last.at < leftAloneMs ? last.fault : null
      }
    }
  }
  const setUp = async (requirements: Requirements, work: StepWork) => {
    const late = new AbortController()
    const timer = clock.schedule(() => late.abort(), setUpMsMax)
    const stopSigning = giveSigns(clock, work)
    const signal = AbortSignal.any([work.signal, late.signal])
    if (python?.type === 'found' && !isSetUp(path, requirements, python.version))
      tell('training.set_up', { packages: requirements, size: sizes[requirements] })
    try {
      const made = await pythonFor({ path, requirements, env, say: work.log, signal })
      failed.delete(requirements)
      return made
    } catch (error) {
      if (error instanceof Fault && !work.signal.aborted)
        failed.set(requirements, { at: clock.now(), fault: error })
      throw error
    } finally {
      timer.unsubscribe()
      stopSigning()
    }
  }
  return {
    obstacleTo,
    commandFor: async ({ trainer, folder }, work) => {
      const args = [join(folder, trainer.entry)]
      switch (trainer.runtime) {
        case 'node':
          return { command: process.execPath, args: [...oneCore, ...args], env: {} }
        case 'python':
          return { args, ...(await setUp(trainer.requirements, work)) }
      }
    },
  }
}

function notFetched(requirements: Requirements): Fault {
  return new Fault(
    'python.off',
    `its packages (${requirements}: ${sizes[requirements]}) are not here, and training.python is off: set it to auto to have them fetched`,
  )
}

/** A download says nothing for a minute and is alive. */
function giveSigns(clock: Clock, { tell }: StepWork): () => void {
  const from = clock.now()
  const signing = clock.schedule(function (this) {
    const done = clock.now() - from
    tell({ part: 'set-up ms', done, of: setUpMsMax, loss: null, secondsLeft: null })
    this.schedule(undefined, signEveryMs)
  }, 0)
  return () => signing.unsubscribe()
}

/** What the schedule must know of a family. */
export function trainable(name: string, config: Config, trainers: Trainers): Trainable {
  const family = familyOf(name)
  const { retrain = null, warmStart = false } = config.fleet.families[name] ?? {}
  if (family instanceof Fault) {
    const never = { candlesMin: 0, candlesMax: 0, retrainMs: Number.POSITIVE_INFINITY }
    return { obstacle: family.message, ...never }
  }
  const needs = {
    rowsMax: family.rowsMax,
    testDaysMin: config.gate.daysMin,
    intervalMs: config.market.interval,
  }
  const obstacle = (warmStart && coldOnly(family)) || trainers.obstacleTo(family)
  return {
    obstacle: obstacle ? obstacle.message : null,
    ...candlesFor(needs),
    retrainMs: retrain ?? family.retrain,
  }
}

/** Why a warm start cannot be had of a family; null where it can. */
export function coldOnly({ name, warmStart }: Pick<Family, 'name' | 'warmStart'>): Fault | null {
  if (warmStart) return null
  return new Fault(
    'training.warm_start',
    `${name} always begins anew: its trainer takes no weights of another version, so train it without a warm start`,
  )
}

function familyOf(name: string): Family | Fault {
  try {
    return openFamily(name)
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}
