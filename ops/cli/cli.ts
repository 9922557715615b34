/** The command line as a function: words in, exit code out, everything it says through the world that it is given. */
import { diskFull } from '../../streams/disk-full.ts'
import { Fault } from '../../streams/fault.ts'
import { nearest } from '../config/nearest.ts'
import {
  type Call,
  type Command,
  configOf,
  helpOf,
  readWords,
  setting,
  type Words,
  whereIs,
} from './command.ts'
import { configCommands } from './commands/config.ts'
import { controlCommands } from './commands/controls.ts'
import { daemonCommands } from './commands/daemon.ts'
import { doctorCommands } from './commands/doctor.ts'
import { evaluateCommands } from './commands/evaluate.ts'
import { historyCommands } from './commands/history.ts'
import { listCommands } from './commands/lists.ts'
import { trainCommands } from './commands/train.ts'
import { transferCommands } from './commands/transfer.ts'
import { versionCommands } from './commands/versions.ts'
import { exitCodeOf, exitCodes } from './exit.ts'
import { type Market, openMarketOrDaemon } from './market.ts'
import type { World } from './world.ts'

export const commands: readonly Command[] = [
  ...daemonCommands,
  ...listCommands,
  ...historyCommands,
  ...trainCommands,
  ...evaluateCommands,
  ...versionCommands,
  ...controlCommands,
  ...transferCommands,
  ...configCommands,
  ...doctorCommands,
]

const dataPathDefault = '.starling'

export async function runCli(args: readonly string[], world: World): Promise<number> {
  try {
    return await dispatch(args, world)
  } catch (caught) {
    const error = diskFull(caught) ?? caught
    const code = exitCodeOf(error)
    world.err.write(`starling: ${told(error, code)}\n`)
    return code
  }
}

async function dispatch(args: readonly string[], world: World): Promise<number> {
  const [first, second] = args
  if (first === '--version') {
    world.out.write(`${world.version}\n`)
    return exitCodes.done
  }
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') {
    const about = first === 'help' && second !== undefined ? find(args.slice(1)).command : undefined
    world.out.write(`${about ? helpOf(about) : overview()}\n`)
    return first === undefined ? exitCodes.usage : exitCodes.done
  }
  const { command, rest } = find(args)
  const read = readWords(command, rest)
  if (read.values.help === true) {
    world.out.write(`${helpOf(command)}\n`)
    return exitCodes.done
  }
  return call(command, read, world)
}

/** The longest name that the first words spell. */
function find(args: readonly string[]): { command: Command; rest: readonly string[] } {
  for (const length of [2, 1]) {
    const command = commands.find(({ name }) => name === args.slice(0, length).join(' '))
    if (command && args.length >= length) return { command, rest: args.slice(length) }
  }
  const word = args[0] as string
  const meant = nearest(word, [
    ...new Set(commands.map(({ name }) => name.split(' ')[0] as string)),
  ])
  const hint = meant ? `did you mean ${meant}?` : 'starling help lists them'
  throw new Fault('usage.unknown', `there is no command ${word}; ${hint}`)
}

async function call(command: Command, read: Words, world: World): Promise<number> {
  const { words, values } = read
  const dataPath = whereIs('data', values, world.env) ?? dataPathDefault
  const json = values.json === true
  let market: Market | undefined
  const calling: Call = {
    world,
    words,
    json,
    dataPath,
    text: (name) => (typeof values[name] === 'string' ? values[name] : undefined),
    flag: (name) => values[name] === true,
    config: (settings = []) =>
      configOf(values, world, [...setting(calling, 'source', ['market', 'source']), ...settings]),
    market: async () => {
      market ??= await openMarketOrDaemon(
        world,
        dataPath,
        () => calling.config().config,
        calling.text('source'),
      )
      return market
    },
    print: (data, show) => world.out.write(`${json ? JSON.stringify(data, null, 2) : show()}\n`),
  }
  try {
    // One that is asked for is read, also where a running daemon answers by its own.
    if (whereIs('config', values, world.env) !== undefined) calling.config()
    return await command.run(calling)
  } finally {
    await market?.close()
  }
}

function overview(): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)
  return ['usage: starling COMMAND …', '', ...lines, '', 'starling COMMAND --help says more.'].join(
    '\n',
  )
}

/** A fault was expected and speaks for itself; anything else is a bug and shows where it happened. */
function told(error: unknown, code: number): string {
  if (error instanceof Fault) {
    const label = code === exitCodes.configuration ? 'the configuration is not right:\n' : ''
    return label + error.message
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
