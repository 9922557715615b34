/** The later half of a training run: golden rows, score sheets beside the lane's incumbent, and the way into the registry. */
import { openArtifact } from '../../models/artifact.ts'
import { evaluate } from '../../models/judging/evaluation.ts'
import type { Registry } from '../../models/registry.ts'
import { laneName } from '../../models/version.ts'
import { Fault } from '../../streams/fault.ts'
import type { Clock, Millis } from '../../streams/time.ts'
import type { Config } from '../config/schema.ts'
import type { Store } from '../store/store.ts'
import { incumbentOf } from './incumbent.ts'
import { verifyArtifact } from './verify-artifact.ts'
import type { Tools } from './workshop.ts'

export interface JudgePorts {
  readonly store: Store
  readonly registry: Pick<Registry, 'publish' | 'fetch'>
  readonly config: Config
  readonly clock: Clock
}

/** A hundred thousand windows take minutes on one slow core; the run's own limit is longer. */
const evaluationMsMax: Millis = 1_800_000

export function judgeTools(
  ports: JudgePorts,
): Pick<Tools, 'gate' | 'verify' | 'evaluate' | 'publish'> {
  const { registry, config, clock } = ports
  return {
    gate: config.gate,
    verify: async ({ signal }, folder) =>
      verifyArtifact(await openArtifact(folder), {
        rssMax: config.inference.memoryLimitMb * 1024 * 1024,
        signal,
      }),
    evaluate: async ({ run, signal, tell, log }, { dataset, request, trained }, artifact) => {
      const incumbent = await incumbentOf(ports, run.lane)
      log(`compared with ${incumbent?.subject ?? 'no skill alone: the lane has no version yet'}`)
      try {
        return await evaluate(
          {
            artifact,
            subject: `${laneName(run.lane)} of run ${run.id}`,
            incumbent,
            dataset,
            ranges: request.ranges.test,
            fee: config.fees,
            slippage: config.slippage,
            frequencies: trained.frequencies,
            trials: Math.max(1, trained.trials.length),
          },
          {
            clock,
            limitMs: evaluationMsMax,
            signal,
            progress: (done, of) =>
              tell({ part: 'candle', done, of, loss: null, secondsLeft: null }),
          },
        )
      } catch (error) {
        throw mayPass(error)
      }
    },
    publish: (lane, folder, run, verdict) =>
      registry.publish(lane, folder, { verdict, run, activate: verdict.verdict !== 'refused' }),
  }
}

/** A process that died may have been somebody else's victim: the machine was out of memory. */
function mayPass(error: unknown): unknown {
  if (!(error instanceof Fault) || error.code !== 'evaluation.died') return error
  return new Fault(error.code, error.message, { cause: error, retryable: true })
}
