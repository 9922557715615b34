/** What a command is, and how its words are read. */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { Fault } from '../../streams/fault.ts'
import type { environment } from '../config/environment.ts'
import { type LoadedConfig, loadConfig } from '../config/load.ts'
import { nearest } from '../config/nearest.ts'
import type { Setting } from '../config/paths.ts'
import type { Market } from './market.ts'
import type { World } from './world.ts'

export interface Command {
  /** One word or two: `coins add`. */
  readonly name: string
  /** After the name: `FILE --coin C`. */
  readonly usage?: string
  readonly summary: string
  /** A line for each option of its own. */
  readonly options?: Readonly<Record<string, Option>>
  /** How many words it takes besides options. */
  readonly words?: readonly [number, number]
  /** Answers with the exit code. */
  readonly run: (call: Call) => Promise<number>
}

export interface Option {
  readonly type: 'string' | 'boolean'
  readonly what: string
}

/** A command as it was called. */
export interface Call {
  readonly world: World
  readonly words: readonly string[]
  readonly text: (name: string) => string | undefined
  readonly flag: (name: string) => boolean
  readonly json: boolean
  readonly dataPath: string
  /** `settings` are options that stand for keys of the configuration. */
  readonly config: (settings?: readonly Setting[]) => LoadedConfig
  /** The running daemon, or else the data directory itself; closed when the command has ended. */
  readonly market: () => Promise<Market>
  /** Data, on stdout: JSON where that was asked for, else as `show` writes it. */
  readonly print: (data: unknown, show: () => string) => void
}

const commonOptions: Readonly<Record<string, Option>> = {
  config: { type: 'string', what: 'the configuration, instead of starling.yaml' },
  data: { type: 'string', what: 'the data directory, instead of .starling' },
  source: { type: 'string', what: 'whose market: auto, tape, or the id of a ccxt exchange' },
  json: { type: 'boolean', what: 'JSON in the place of a table' },
  help: { type: 'boolean', what: 'this' },
}

export interface Words {
  readonly words: readonly string[]
  readonly values: Readonly<Record<string, string | boolean | undefined>>
}

export function readWords(command: Command, args: readonly string[]): Words {
  const options = { ...command.options, ...commonOptions }
  const shapes: ParseArgsOptionsConfig = Object.fromEntries(
    Object.entries(options).map(([name, { type }]) => [name, { type }]),
  )
  const parsed = parse(command, args, shapes)
  const { values, positionals } = parsed
  if (values.help === true) return { words: positionals, values }
  const [min, max] = command.words ?? [0, 0]
  if (positionals.length < min)
    throw misused(command, `name ${missing(command, positionals.length, min)}`)
  if (positionals.length > max) {
    throw misused(command, `${positionals[max]} is one word too many`)
  }
  return { words: positionals, values }
}

/** What the letters of a usage stand for. */
const meanings: Readonly<Record<string, string>> = {
  C: 'a coin',
  F: 'a family',
  V: 'a version',
  FILE: 'a file',
  DIR: 'a folder',
  TABLE: 'a table',
}

function missing({ usage = '' }: Command, from: number, to: number): string {
  const words = usage.split(' ').slice(from, to)
  return words.map((word) => meanings[word] ?? word).join(' and ')
}

function parse(
  command: Command,
  args: readonly string[],
  options: ParseArgsOptionsConfig,
): {
  values: Record<string, string | boolean | undefined>
  positionals: string[]
} {
  try {
    const read = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
    return read as ReturnType<typeof parse>
  } catch (error) {
    const [, name] =
      /^Option '(--[^' ]+)[^']*' argument is ambiguous/.exec((error as Error).message) ?? []
    if (name !== undefined)
      throw valueMissing(command, name, args[args.indexOf(name) + 1] as string)
    const unknown = /^Unknown option '(-+)([^']+)'/.exec((error as Error).message)
    if (!unknown) throw misused(command, firstSentence((error as Error).message))
    const meant = nearest(unknown[2] as string, Object.keys(options))
    const hint = meant ? `; did you mean --${meant}?` : ''
    throw misused(command, `there is no option ${unknown[1]}${unknown[2]}${hint}`)
  }
}

/** Whatever begins with a dash is taken for the next option. */
function valueMissing(command: Command, name: string, found: string): Fault {
  const written = `one that begins with a dash is written ${name}=${found}`
  return misused(command, `${name}: found ${found}, expected its value; ${written}`)
}

export function misused(command: Command, what: string): Fault {
  return new Fault('usage.wrong', `${what}\nusage: ${usageOf(command)}`)
}

function usageOf(command: Command): string {
  return ['starling', command.name, command.usage].filter(Boolean).join(' ')
}

export function helpOf(command: Command): string {
  const lines = Object.entries({ ...command.options, ...commonOptions }).map(
    ([name, { type, what }]) => {
      const option = type === 'string' ? `--${name} …` : `--${name}`
      return `  ${option.padEnd(18)}${what}`
    },
  )
  return [`usage: ${usageOf(command)}`, '', command.summary, '', ...lines].join('\n')
}

/**
 * The data directory and the configuration file may be named in the environment too. An empty name is none: a workflow
 * hands on a variable that nobody has set as that.
 */
export function whereIs(
  name: 'data' | 'config',
  values: Words['values'],
  env: ReturnType<typeof environment>,
): string | undefined {
  const given = values[name]
  return typeof given === 'string' ? given : env[`STARLING_${name.toUpperCase()}`] || undefined
}

export function configOf(values: Words['values'], world: World, settings: readonly Setting[]) {
  return loadConfig({ file: whereIs('config', values, world.env), env: world.env, flags: settings })
}

/** An option that stands for a key of the configuration. */
export function setting(call: Call, name: string, path: Setting['path']): readonly Setting[] {
  const text = call.text(name)
  if (text === undefined) return []
  const number = Number(text)
  const value = text.trim() !== '' && Number.isFinite(number) ? number : text
  return [{ path, name: `--${name}`, value }]
}

export function wholeNumber(command: Command, call: Call, name: string): number | undefined {
  const text = call.text(name)
  if (text === undefined) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw misused(command, `--${name}: found ${text}, expected a whole number from 0 on`)
}

function firstSentence(text: string): string {
  return text.split(/(?<=\.)\s/)[0] as string
}
