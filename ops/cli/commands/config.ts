/** The effective configuration: what holds, and who said so. */
import { describeConfig } from '../../config/load.ts'
import { at } from '../../config/paths.ts'
import { configJsonSchema } from '../../config/schema.ts'
import type { Command } from '../command.ts'
import { exitCodes } from '../exit.ts'
import { table } from '../table.ts'
import { widthOf } from './lists.ts'

const config: Command = {
  name: 'config',
  usage: '[--schema]',
  summary: 'the effective configuration, where each value came from, secrets masked',
  options: { schema: { type: 'boolean', what: 'the JSON Schema of starling.yaml instead' } },
  run: async (call) => {
    if (call.flag('schema')) {
      call.world.out.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`)
      return exitCodes.done
    }
    const described = describeConfig(call.config())
    call.print(described, () =>
      table(
        Object.entries(described.origins),
        [
          { name: 'key', of: ([key]) => key },
          { name: 'value', of: ([key]) => shown(at(described.values, key.split('.'))) },
          { name: 'from', of: ([, origin]) => origin },
        ],
        widthOf(call),
      ),
    )
    return exitCodes.done
  },
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

export const configCommands: readonly Command[] = [config]
