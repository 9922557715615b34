/** Training runs without training: each step leaves one file behind, or does what the test says. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Carried, type CarryPorts, carryOut } from '../../../actors/training/carry-out.ts'
import {
  type Step,
  type StepResult,
  type StepWork,
  steps,
  type TrainingOrder,
  type Workshop,
} from '../../../actors/training/run.ts'
import type { Verdict } from '../../../models/judging/verdict.ts'
import type { Store } from '../../../ops/store/store.ts'
import { openWorkFolder, type WorkFolder } from '../../../ops/training/work-folder.ts'
import { btc, noon } from '../store/database.ts'

export const passed: Verdict = {
  verdict: 'passed',
  profile: 'open',
  reasons: [
    { code: 'no_skill', passed: true, found: 0.01, limit: 0, detail: 'better than no skill' },
  ],
  candles: 1_000,
  from: '2026-06-01T00:00:00.000Z',
  to: '2026-06-02T00:00:00.000Z',
}

export function order(change: Partial<TrainingOrder> = {}): TrainingOrder {
  return {
    lane: { coin: btc, family: 'linear' },
    cause: 'hand',
    rowsMax: null,
    trials: 1,
    seed: 7,
    warmStart: false,
    timeLimitMs: 3_600_000,
    marketAt: noon,
    ...change,
  }
}

export interface MadeWorkshop extends Workshop {
  readonly folder: WorkFolder
  /** The steps that were worked on, in order. */
  readonly worked: Step[]
}

export type Acts = Partial<Record<Step, (work: StepWork) => Promise<void>>>

export function madeWorkshop(path: string, acts: Acts = {}, verdict = passed): MadeWorkshop {
  const folder = openWorkFolder(path)
  const worked: Step[] = []
  const act =
    (step: Step) =>
    async (work: StepWork): Promise<StepResult> => {
      worked.push(step)
      work.input(`sha256:into-${step}`)
      await acts[step]?.(work)
      writeFileSync(join(folder.of(work.run.id, step), 'made'), step)
      return {
        detail: `${step} is done`,
        ...(step === 'judge' && { verdict, metrics: { logLoss: 1 }, baseline: { logLoss: 1.1 } }),
        ...(step === 'publish' && { version: 2 }),
      }
    }
  return {
    folder,
    worked,
    work: Object.fromEntries(steps.map((step) => [step, act(step)])) as Workshop['work'],
    product: (run, step) => folder.product(run.id, step),
    clear: (run, from) => folder.clear(run.id, from),
    leave: (run, state) => folder.leave(run.id, state),
  }
}

/** Claims this run and carries it until it is over; the waits before other tries are as if they had passed. */
export async function carryToEnd(
  store: Pick<Store, 'sql'>,
  ports: CarryPorts,
  run: number,
  stop = new AbortController().signal,
): Promise<Carried> {
  for (;;) {
    await store.sql`update training_run set due_at = clock_timestamp() where id = ${run} and state = 'queued'`
    const claimed = await ports.journal.claim(ports.holder, 1, run)
    if (!claimed) throw new Error(`run ${run} cannot be claimed`)
    const carried = await carryOut(ports, claimed, stop)
    if (carried.type !== 'left' || stop.aborted) return carried
    await store.sql`
      update training_step set started_at = started_at - interval '1 hour', ended_at = ended_at - interval '1 hour'
      where run_id = ${run}`
  }
}
