/**
 * The configuration: defaults, under the file, under STARLING_… in the environment, under options of the command line.
 * What comes back is whole and checked, with the origin of every value; whatever is wrong is a `Fault` that names each
 * place, what was found there and what was expected.
 */
import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { z } from 'zod'
import { Fault } from '../../streams/fault.ts'
import { readEnvironment } from './env-layer.ts'
import type { Environment } from './environment.ts'
import { type FileLayer, readFileLayer } from './file-layer.ts'
import { mask } from './mask.ts'
import { nearest } from './nearest.ts'
import { at, leaves, type Path, type Setting } from './paths.ts'
import { type Config, configSchema, encodeConfig } from './schema.ts'

export interface LoadedConfig {
  readonly config: Config
  /** Where each value came from, by its dotted path: `default`, `starling.yaml:3`, `STARLING_API_PORT`, `--port`. */
  readonly origins: Readonly<Record<string, string>>
}

export interface ConfigSources {
  /** The file asked for; without one, `starling.yaml` in the working directory where it exists. */
  readonly file?: string | undefined
  readonly env?: Environment | undefined
  readonly flags?: readonly Setting[] | undefined
}

export function loadConfig(sources: ConfigSources): LoadedConfig {
  const file = readConfigFile(sources.file)
  const defaults = encodeConfig(configSchema.parse({}))
  const env = readEnvironment(sources.env ?? {}, defaults)
  const set = [...env, ...(sources.flags ?? [])]
  const values = stack(defaults, file?.values, set)
  const checked = configSchema.safeParse(values)
  const by = new Map(set.map((flag) => [flag.path.join('.'), flag.name]))
  const whose = (path: Path, what: 'key' | 'value'): string => origin(path, what, by, file)
  if (!checked.success) {
    const lines = checked.error.issues.flatMap((issue) => describe(issue, values, defaults, whose))
    throw new Fault('config.invalid', [...new Set(lines)].join('\n'))
  }
  const printed = encodeConfig(checked.data)
  const origins = leaves(printed, []).map((path) => [path.join('.'), whose(path, 'value')] as const)
  return { config: checked.data, origins: Object.fromEntries(origins) }
}

/** What `starling config` prints. */
export function describeConfig(loaded: LoadedConfig): {
  readonly values: unknown
  readonly origins: Readonly<Record<string, string>>
} {
  return { values: mask(encodeConfig(loaded.config)), origins: loaded.origins }
}

function readConfigFile(asked: string | undefined): FileLayer | undefined {
  const path = asked ?? 'starling.yaml'
  if (asked === undefined && !existsSync(path)) return undefined
  try {
    return readFileLayer(asked ?? basename(path), readFileSync(path, 'utf8'))
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    throw new Fault('config.unreadable', `${path}: ${(cause as Error).message}`, { cause })
  }
}

type Values = Record<string | number, unknown>

function stack(defaults: unknown, file: unknown, set: readonly Setting[]): unknown {
  const values = merge(defaults, file, [])
  if (!isMapping(values)) return values
  for (const flag of set) {
    let inner: Values = values
    for (const key of flag.path.slice(0, -1)) {
      if (!isMapping(inner[key])) inner[key] = {}
      inner = inner[key] as Values
    }
    inner[flag.path.at(-1) as string | number] = flag.value
  }
  return values
}

/** A mapping is filled up from the defaults, except the families: a list of one's own is meant as the whole list. */
function merge(below: unknown, above: unknown, path: Path): unknown {
  // A section that is named and left empty sets nothing.
  const isEmpty = above === undefined || (above === null && isMapping(below))
  if (isEmpty) return structuredClone(below)
  if (!isMapping(below) || !isMapping(above) || path.join('.') === 'fleet.families') return above
  const keys = [...new Set([...Object.keys(below), ...Object.keys(above)])]
  return Object.fromEntries(keys.map((key) => [key, merge(below[key], above[key], [...path, key])]))
}

function isMapping(value: unknown): value is Values {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function origin(
  path: Path,
  what: 'key' | 'value',
  by: ReadonlyMap<string, string>,
  file: FileLayer | undefined,
): string {
  for (let depth = path.length; depth > 0; depth--) {
    const name = by.get(path.slice(0, depth).join('.'))
    if (name) return name
  }
  const isSet = file !== undefined && (path.length === 0 || hasKey(file.values, path))
  if (!isSet) return 'default'
  return `${file.name}:${file.lineOf(path, what) ?? 1}`
}

function hasKey(values: unknown, path: Path): boolean {
  const parent = at(values, path.slice(0, -1))
  return parent !== null && typeof parent === 'object' && (path.at(-1) as string) in parent
}

type Issue = z.core.$ZodIssue

function describe(
  issue: Issue,
  values: unknown,
  defaults: unknown,
  whose: (path: Path, what: 'key' | 'value') => string,
): readonly string[] {
  const path = issue.path as Path
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys((at(defaults, path) as object | null | undefined) ?? familyKeys)
    return issue.keys.map((key) => {
      const place = whose([...path, key], 'key')
      const meant = nearest(key, known)
      const hint = meant ? `did you mean ${meant}?` : `expected one of ${known.join(', ')}`
      return `${place}: ${[...path, key].join('.')}: unknown key; ${hint}`
    })
  }
  const found = show(at(values, path), String(path.at(-1) ?? ''))
  const expected = expectation(issue)
  return [
    `${whose(path, 'value')}: ${path.join('.') || 'the file'}: found ${found}, expected ${expected}`,
  ]
}

/** A family that the defaults do not name has the keys of every family. */
const familyKeys = { horizon: true, retrain: true, warmStart: true, expiresAfter: true }

function expectation(issue: Issue): string {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid input')) {
    return issue.expected === 'object' ? 'a mapping' : `a ${issue.expected}`
  }
  if (issue.code === 'invalid_union' && issue.message === 'Invalid input') {
    return issue.errors.flat()[0]?.message ?? issue.message
  }
  return issue.message
}

function show(value: unknown, key: string): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(mask(value, key))
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
