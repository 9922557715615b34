/** A daemon in this process whose models can be told to misbehave, in a data directory that goes with the test. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadConfig } from '../../../ops/config/load.ts'
import { startDaemon } from '../../../ops/daemon/daemon.ts'
import { lockDataDirectory, openDataDirectory } from '../../../ops/store/data-directory.ts'
import { createLog } from '../../../ops/telemetry/log.ts'
import { wallClock } from '../../../streams/time.ts'
import type { Mood } from '../actors/moody-child.ts'
import { until } from '../until.ts'
import { writeWhole } from '../write-whole.ts'
import { asked, type DrivenDaemon, drive, house } from './daemon.ts'

export interface MoodyDaemon {
  readonly daemon: DrivenDaemon
  /** What it has logged. */
  readonly lines: readonly string[]
  /** Of all models of a family, or of one. */
  readonly mood: (of: { readonly family: string; readonly sha256?: string }, mood: Mood) => void
  readonly well: () => void
}

export async function moodyDaemon(t: TestContext, config: string): Promise<MoodyDaemon> {
  let end = async (): Promise<void> => {}
  // Before its house goes: what is registered first is done first.
  t.after(() => end())
  const at = house(t, config)
  const directory = openDataDirectory(at.data)
  const lock = lockDataDirectory(directory)
  const lines: string[] = []
  const { address, stop } = await startDaemon({
    config: loadConfig({ file: at.config }).config,
    directory,
    lock,
    clock: wallClock,
    random: Math.random,
    cores: 2,
    log: createLog(
      (line) => void lines.push(line),
      () => wallClock.now(),
    ),
    say: () => {},
    version: 'test',
    inferenceEntry: fileURLToPath(new URL('../actors/moody-child.ts', import.meta.url)),
  })
  end = async () => {
    await stop(20_000)
    lock.release()
  }
  const isReady = async (): Promise<boolean> =>
    (await fetch(`${address}/health/ready`, { headers: asked })).ok
  await until('it is ready', isReady, 60_000)
  const moodFile = join(at.data, 'mood.json')
  return {
    daemon: drive(at, address),
    lines,
    mood: (of, mood) => writeWhole(moodFile, JSON.stringify({ ...of, mood })),
    well: () => rmSync(moodFile, { force: true }),
  }
}
