/** How long live predictions waited while something was done, asked of the daemon's own ledger; in milliseconds, sorted. */
import type { RunningDaemon } from '../support/daemon/daemon.ts'

export async function liveWaits(
  daemon: RunningDaemon,
  meanwhile: () => Promise<unknown>,
  /** Below a hundred a 99th percentile is only the longest. */
  rowsMin = 100,
): Promise<readonly number[]> {
  const from = Date.now()
  await meanwhile()
  const to = Date.now()
  const { items } = await daemon.get<{ items: readonly { madeAt: string; waitMs: number }[] }>(
    '/api/v1/predictions?mode=live&limit=10000',
  )
  const waits = items
    .filter(({ madeAt }) => Date.parse(madeAt) >= from && Date.parse(madeAt) < to)
    .map(({ waitMs }) => waitMs)
  if (waits.length < rowsMin) throw new Error(`only ${waits.length} live predictions to judge by`)
  return waits.toSorted((a, b) => a - b)
}
