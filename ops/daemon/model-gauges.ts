/**
 * What the metrics say of the versions in slots: how old each is, what it said last where that is a value, and how often
 * it was right of late. One is looked at after the other: nobody waits for a gauge, and many would keep others from the
 * database.
 */
import { score } from '../../models/scores/score.ts'
import { type Version, versionName } from '../../models/version.ts'
import { dayMs } from '../../streams/time.ts'
import type { StoreReads } from '../store/reads/reads.ts'
import type { ModelGauge } from '../telemetry/measure.ts'

export async function modelGauges(
  reads: Pick<StoreReads, 'holders' | 'signals' | 'daySums'>,
): Promise<readonly ModelGauge[]> {
  const [holders, signals] = await Promise.all([reads.holders(), reads.signals()])
  const now = Math.max(0, ...signals.map(({ newest }) => newest?.closeAt ?? 0))
  const said = new Map(
    signals.map(({ newest, ...it }) => [`${it.slot} ${versionName(it)}`, newest?.value ?? null]),
  )
  const gauges: ModelGauge[] = []
  for (const { slot, trainedTo, ...version } of holders) {
    const { coin, family } = version
    const ageSeconds = trainedTo === null ? null : (now - Date.parse(trainedTo)) / 1000
    const accuracy: Record<string, number> = {}
    for (const days of [1, 7]) {
      const right = await accuracySince(reads, version, now - days * dayMs)
      if (right !== undefined) accuracy[`${days}d`] = right
    }
    const value = said.get(`${slot} ${versionName(version)}`) ?? null
    gauges.push({ coin, family, slot, ageSeconds, value, accuracy })
  }
  return gauges
}

async function accuracySince(
  reads: Pick<StoreReads, 'daySums'>,
  version: Version,
  from: number,
): Promise<number | undefined> {
  const sums = await reads.daySums({ ...version, from })
  const value = score(sums, null, false).classes?.accuracy
  return value !== undefined && Number.isFinite(value) ? value : undefined
}
