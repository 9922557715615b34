/** A daemon whose wall clock is in the test's hands. */
import type { TestContext } from 'node:test'
import { writeWhole } from '../write-whole.ts'
import { type House, type RunningDaemon, startDaemon } from './daemon.ts'

export interface Stepped {
  readonly daemon: RunningDaemon
  /** From now on its wall clock is so far from the machine's. */
  readonly step: (offsetMs: number) => void
}

const preload = new URL('./stepped-clock.ts', import.meta.url).href

/** A later daemon in the same house can be given the offset that the one before had. */
export async function startStepped(t: TestContext, at: House, offsetMs = 0): Promise<Stepped> {
  const file = `${at.config}.clock`
  writeWhole(file, String(offsetMs))
  const env = { STARLING_TEST_CLOCK: file }
  const daemon = await startDaemon(t, at, 60_000, { preload: [preload], env })
  return {
    daemon,
    step: (ms) => {
      writeWhole(file, String(ms))
      daemon.process.kill('SIGUSR2')
    },
  }
}
