/** What the metrics say of the versions in slots: how old each is, and how often it was right of late. */
import { score } from '../../models/scores/score.ts'
import type { Version } from '../../models/version.ts'
import { dayMs, type Millis } from '../../streams/time.ts'
import type { StoreReads } from '../store/reads/reads.ts'
import type { ModelGauge } from '../telemetry/measure.ts'

export async function modelGauges(
  reads: Pick<StoreReads, 'models' | 'signals' | 'daySums'>,
): Promise<readonly ModelGauge[]> {
  const [models, signals] = await Promise.all([reads.models(), reads.signals()])
  const now = Math.max(0, ...signals.map(({ newest }) => newest?.closeAt ?? 0))
  return Promise.all(
    models.flatMap((model) =>
      model.slots.map(async (slot) => {
        const accuracy: Record<string, number> = {}
        for (const days of [1, 7]) {
          const sums = await reads.daySums({ ...versionOf(model), from: now - days * dayMs })
          const value = score(sums, null, false).classes?.accuracy
          if (value !== undefined && Number.isFinite(value)) accuracy[`${days}d`] = value
        }
        return {
          coin: model.coin,
          family: model.family,
          slot,
          ageSeconds: ageOf(model.manifest, now),
          accuracy,
        }
      }),
    ),
  )
}

function versionOf({ coin, family, version }: Version): Version {
  return { coin, family, version }
}

function ageOf(manifest: unknown, now: Millis): number | null {
  const to = (manifest as { trained?: { to?: string } } | null)?.trained?.to
  return to === undefined ? null : (now - Date.parse(to)) / 1000
}
