/** What a client of the API sees of the ledger, and whether what it saw is still there. */
import assert from 'node:assert/strict'
import { until } from '../until.ts'
import type { DrivenDaemon } from './daemon.ts'

export interface Status {
  readonly predictions: number
  readonly health: string
  readonly degraded: readonly string[]
}

interface Row {
  readonly coin: string
  readonly family: string
  readonly version: number
  readonly openAt: string
  readonly inputHash: string
  readonly signal: string | null
  readonly value: number | null
}

export function status(daemon: DrivenDaemon): Promise<Status> {
  return daemon.get<Status>('/api/v1/status')
}

/** Every prediction that a client can see now, by its key. */
export async function seen(daemon: DrivenDaemon): Promise<ReadonlyMap<string, string>> {
  const all = new Map<string, string>()
  for (let cursor = ''; ; ) {
    const page = await daemon.get<{ items: Row[]; next: string | null }>(
      `/api/v1/predictions?limit=5000${cursor}`,
    )
    for (const { coin, family, version, openAt, inputHash, signal, value } of page.items)
      all.set(`${coin} ${family}@${version} ${openAt}`, JSON.stringify([inputHash, signal, value]))
    if (page.next === null) return all
    cursor = `&cursor=${encodeURIComponent(page.next)}`
  }
}

export function assertKept(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): void {
  const lost = [...before].filter(([key, row]) => after.get(key) !== row)
  assert.deepEqual(lost.slice(0, 5), [], `${lost.length} rows that were seen are lost or changed`)
}

/** For a database that comes back: until it has, the daemon answers with an error. */
export async function answersAgain(daemon: DrivenDaemon): Promise<void> {
  const answers = (): Promise<boolean> =>
    status(daemon).then(
      () => true,
      () => false,
    )
  await until('it answers again', answers, 60_000)
}

/** Waits for so many more predictions than there are now. */
export async function progress(daemon: DrivenDaemon, by: number): Promise<void> {
  const { predictions } = await status(daemon)
  const reached = async (): Promise<boolean> =>
    (await status(daemon)).predictions >= predictions + by
  await until(`there are ${by} more predictions`, reached, 60_000)
}

/** Of every coin so many days of candles. */
export async function historyFetched(daemon: DrivenDaemon, days: number): Promise<void> {
  const isFetched = async (): Promise<boolean> => {
    const coins = await daemon.get<{ candles: number }[]>('/api/v1/coins')
    return coins.length > 0 && coins.every(({ candles }) => candles >= days * 1_440)
  }
  await until('the history is there', isFetched, 60_000)
}

export async function wellAgain(daemon: DrivenDaemon): Promise<void> {
  await until('it is well again', async () => (await status(daemon)).health === 'ready', 90_000)
}
