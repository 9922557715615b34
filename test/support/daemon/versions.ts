/** What a test asks of a daemon to publish versions and to move them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../until.ts'
import { asked, type DrivenDaemon } from './daemon.ts'

export interface SwapBody {
  readonly id: string
  readonly coin: string
  readonly family: string
  readonly kind: string
  readonly from: number | null
  readonly to: number
  readonly state: string
  readonly reason: string | null
  readonly startedAt: string
  readonly cutAt: string | null
  readonly endedAt: string | null
  readonly missed: number | null
  readonly twice: number | null
  readonly longestWaitMs: number | null
  readonly verdict: { readonly verdict: string } | null
  readonly journal: readonly {
    readonly at: string
    readonly version: number
    readonly transition: string
    readonly candleAt: string | null
  }[]
}

export interface Published {
  readonly version: number
  readonly state: string
  readonly sha256: string
  readonly also: readonly { readonly coin: string; readonly version: number }[]
}

/** Answers the number that it got. */
export async function publish(
  daemon: DrivenDaemon,
  folder: string,
  query = '',
): Promise<Published> {
  const form = new FormData()
  for (const name of readdirSync(folder))
    form.append('file', new Blob([readFileSync(join(folder, name))]), name)
  const answer = await fetch(`${daemon.address}/api/v1/models?${query}`, {
    method: 'POST',
    headers: {
      ...asked,
      authorization: `Bearer ${readFileSync(join(daemon.house.data, 'token'), 'utf8')}`,
    },
    body: form,
  })
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as Published
}

/** Orders a lane to a version, or back where none is named. */
export async function order(
  daemon: DrivenDaemon,
  lane: string,
  version?: number,
): Promise<SwapBody & { readonly swap: string }> {
  const what = version === undefined ? 'rollback' : 'swap'
  const answer = await daemon.post(
    `/api/v1/lanes/${lane}/${what}`,
    version === undefined ? {} : { version },
  )
  if (answer.status !== 202) throw new Error(`${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as SwapBody & { swap: string }
}

/** Waits until it is done, refused or overtaken. */
export async function ended(
  daemon: DrivenDaemon,
  id: string,
  deadlineMs = 60_000,
): Promise<SwapBody> {
  return until(
    `swap ${id} is over`,
    async () => {
      const swap = await daemon.get<SwapBody>(`/api/v1/swaps/${id}`)
      return ['done', 'rejected', 'overtaken'].includes(swap.state) ? swap : undefined
    },
    deadlineMs,
  )
}

export async function slotsOf(
  daemon: DrivenDaemon,
  lane: string,
): Promise<Readonly<Record<'v1' | 'v2' | 'v3', number | null>>> {
  const [coin, family] = lane.split('/') as [string, string]
  const { items } = await daemon.get<{ items: { slots: Awaited<ReturnType<typeof slotsOf>> }[] }>(
    `/api/v1/lanes?coin=${coin}&family=${family}`,
  )
  if (!items[0]) throw new Error(`there is no lane ${lane}`)
  return items[0].slots
}
