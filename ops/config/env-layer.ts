/**
 * The configuration's part of the environment: `STARLING_MARKET_SOURCE=kraken`, `STARLING_FLEET_FAMILIES_LINEAR_HORIZON=30m`.
 * Underscores inside a key are free: HISTORY_DAYS and HISTORYDAYS are the same.
 */
import { parse } from 'yaml'
import { Fault } from '../../streams/fault.ts'
import type { Environment } from './environment.ts'
import { edits, nearest } from './nearest.ts'
import { at, leaves, type Path, type Setting } from './paths.ts'

/** Names that belong to the launcher and the commands, not to the configuration. */
const notSettings: readonly string[] = ['STARLING_DATA', 'STARLING_CONFIG']

/**
 * Names of no section are left alone, because a cluster puts some of its own there (STARLING_SERVICE_HOST for a service
 * of this name), unless they are one slip away from a section.
 */
export function readEnvironment(
  env: Environment,
  defaults: Readonly<Record<string, unknown>>,
): readonly Setting[] {
  const known = new Map(leaves(defaults, []).map((path) => [squeeze(path.join('')), path]))
  const found: Setting[] = []
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('STARLING_') || value === undefined || notSettings.includes(name)) continue
    const path = known.get(squeeze(name.slice(9))) ?? familyPath(name.slice(9))
    if (path) found.push({ path, name, value: readText(value, at(defaults, path)) })
    else refuseNearMiss(name, Object.keys(defaults), [...known.values()])
  }
  if (env.DATABASE_URL && !found.some((setting) => setting.path.join('.') === 'store.url')) {
    found.push({ path: ['store', 'url'], name: 'DATABASE_URL', value: env.DATABASE_URL })
  }
  return found
}

function familyPath(rest: string): Path | undefined {
  const match = /^FLEET_FAMILIES_([A-Z0-9_]+)_(HORIZON|RETRAIN)$/.exec(rest)
  if (!match) return undefined
  return [
    'fleet',
    'families',
    (match[1] as string).toLowerCase(),
    (match[2] as string).toLowerCase(),
  ]
}

function refuseNearMiss(name: string, sections: readonly string[], paths: readonly Path[]): void {
  const first = (name.slice(9).split('_')[0] ?? '').toLowerCase()
  const isNear = (section: string): boolean => edits(first, section) <= (section.length > 4 ? 1 : 0)
  if (!sections.some(isNear)) return
  const names = paths.map((path) => `STARLING_${path.join('_').toUpperCase()}`)
  const meant = nearest(name, names)
  const hint = meant ? `; did you mean ${meant}?` : ''
  throw new Fault('config.unknown_key', `environment: ${name} sets nothing that exists${hint}`)
}

/** Read as YAML would; where a list is wanted, commas separate too. */
function readText(text: string, like: unknown): unknown {
  if (Array.isArray(like) && !/^\s*\[/.test(text)) {
    return text === '' ? [] : text.split(',').map((item) => item.trim())
  }
  if (text === '') return null
  try {
    return parse(text)
  } catch {
    return text // Not YAML, so it is meant as it stands; the schema judges it.
  }
}

function squeeze(text: string): string {
  return text.replaceAll('_', '').toLowerCase()
}
