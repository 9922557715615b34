/** A training as it is asked for, made whole: what was left unsaid is as the configuration has it, or as most want it. */
import type { Cause, TrainingOrder } from '../../actors/training/run.ts'
import type { Millis } from '../../streams/time.ts'
import type { AskedTraining } from '../api/deps.ts'
import type { Config } from '../config/schema.ts'

export function wholeOrder(
  { coin, family, rows, trials, seed, warmStart }: AskedTraining,
  cause: Cause,
  marketAt: Millis,
  config: Config,
): TrainingOrder {
  return {
    lane: { coin, family },
    cause,
    rowsMax: rows ?? null,
    trials: trials ?? 1,
    seed: seed ?? 1,
    warmStart: warmStart ?? config.fleet.families[family]?.warmStart ?? false,
    timeLimitMs: config.training.timeLimit,
    marketAt,
  }
}
