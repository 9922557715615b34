/** A bare loop of runs over one session, in a process of its own: what there is to compare with. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface RawQuestion {
  readonly folder: string
  readonly rows: number
  readonly runs: number
}

export interface RawTimes {
  readonly times: readonly number[]
}

export function startRaw(): ChildProcess {
  return fork(fileURLToPath(new URL('./inference-raw.ts', import.meta.url)), {
    serialization: 'advanced',
    execArgv: [],
  })
}

/** Milliseconds of each run. */
export async function rawTimes(
  raw: ChildProcess,
  question: RawQuestion,
): Promise<readonly number[]> {
  raw.send(question)
  const [answer] = (await once(raw, 'message')) as [RawTimes]
  return answer.times
}
