/** Is everything here that the daemon needs, and what mends what is not. */
import type { Command } from '../command.ts'
import { type Check, examine } from '../examine.ts'
import { exitCodes } from '../exit.ts'

const doctor: Command = {
  name: 'doctor',
  summary:
    'runtime, packages, ports, disk, clock, Python, database and whatever is configured outside',
  run: async (call) => {
    const { world, dataPath } = call
    const { config } = call.config()
    const checks = await examine(config, dataPath, world.holder(dataPath), world.probes)
    call.print({ checks }, () => checksText(checks))
    return checks.every(({ ok }) => ok) ? exitCodes.done : exitCodes.failed
  },
}

function checksText(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length))
  return checks
    .map(({ name, ok, detail, mend }) => {
      const word = mend === null ? 'ok   ' : ok ? 'lacks' : 'wrong'
      const line = `${word}  ${name.padEnd(width)}  ${detail}`
      return mend === null ? line : `${line}\n       ${' '.repeat(width)}  mend: ${mend}`
    })
    .join('\n')
}

export const doctorCommands: readonly Command[] = [doctor]
