/**
 * Happenings as JSON lines, one per event: `{at, level, event, coin, lane, incarnation, …}`. Lines about the same coin,
 * lane or incarnation carry the same id, so one `grep` follows it. What happens many times a minute (candles, predictions)
 * is `debug`; what happens many times a second is not logged at all, the metrics count it.
 */
import { type Happenings, listen } from '../../streams/channels.ts'
import { coinToPath, parseCoin } from '../../streams/coin.ts'
import { iso, type Millis } from '../../streams/time.ts'

export type Level = 'debug' | 'info' | 'warn' | 'error'

export interface Log {
  readonly say: (level: Level, event: string, fields?: Readonly<Record<string, unknown>>) => void
  readonly close: () => void
}

const levels: readonly Level[] = ['debug', 'info', 'warn', 'error']

type LevelOf<K extends keyof Happenings> = Level | ((what: Happenings[K]) => Level)

const logged: { readonly [K in keyof Happenings]?: LevelOf<K> } = {
  'feed.connected': 'info',
  'feed.reconnecting': 'warn',
  'feed.refused': 'warn',
  'gap.opened': 'warn',
  'gap.healed': 'info',
  'gap.unhealable': 'warn',
  'trades.aside': 'warn',
  'candle.closed': ({ state }) => (state === 'corrected' ? 'info' : 'debug'),
  'prediction.committed': 'debug',
  'hole.committed': 'debug',
  'prediction.disagreed': 'error',
  'inference.child': ({ event }) => (event === 'started' || event === 'recycled' ? 'info' : 'warn'),
  'version.quarantined': 'error',
  'version.stage': ({ stage }) =>
    stage === 'rejected' || stage === 'quarantined' ? 'warn' : 'info',
  'version.backfilling': 'info',
  'version.judged': 'info',
  'version.expired': 'warn',
  'swap.changed': ({ state, kind }) =>
    state === 'rejected' || kind === 'fallback' ? 'warn' : 'info',
  'swap.cut': 'info',
  'swap.troubled': 'warn',
  'training.asked': 'info',
  'training.step': ({ state }) => (state === 'failed' ? 'warn' : 'info'),
  'training.ended': ({ state }) => (state === 'failed' ? 'warn' : 'info'),
  'sink.waiting': 'warn',
  'actor.started': 'debug',
  'actor.crashed': 'error',
  'actor.ended': 'debug',
  'supervisor.decided': 'warn',
  'dead.letter': 'warn',
  'queue.dropped': 'warn',
}

export function createLog(
  write: (line: string) => void,
  now: () => Millis,
  least: Level = 'info',
): Log {
  const quota = createQuota()
  const say: Log['say'] = (level, event, fields = {}) => {
    if (levels.indexOf(level) < levels.indexOf(least)) return
    const at = now()
    const { isGranted, suppressed } = quota(event, at)
    if (suppressed > 0) {
      const told = {
        at: iso(at),
        level: 'warn',
        event: 'log.suppressed',
        of: event,
        count: suppressed,
      }
      write(JSON.stringify(told))
    }
    if (isGranted) write(JSON.stringify({ at: iso(at), level, event, ...fields }))
  }
  const stops = (Object.keys(logged) as (keyof Happenings)[]).map((event) => follow(event, say))
  return { say, close: () => stops.forEach((stop) => void stop()) }
}

/** A storm of one event (a mailbox overflowing) is told in so many lines a second, and then as a number. */
const linesPerSecondMax = 50

function createQuota() {
  const windows = new Map<string, { second: number; lines: number }>()
  return (event: string, at: Millis): { isGranted: boolean; suppressed: number } => {
    const second = Math.floor(at / 1000)
    const window = windows.get(event)
    if (window?.second === second) {
      window.lines += 1
      return { isGranted: window.lines <= linesPerSecondMax, suppressed: 0 }
    }
    windows.set(event, { second, lines: 1 })
    return { isGranted: true, suppressed: Math.max(0, (window?.lines ?? 0) - linesPerSecondMax) }
  }
}

function follow<K extends keyof Happenings>(event: K, say: Log['say']): () => void {
  const level = logged[event] as LevelOf<K>
  return listen(event, (what) => {
    say(typeof level === 'function' ? level(what) : level, event, fieldsOf(what))
  })
}

function fieldsOf(what: object): Readonly<Record<string, unknown>> {
  const fields: Record<string, unknown> = {}
  const { coin, family, path, epoch } = what as Readonly<Record<string, unknown>>
  const known = typeof coin === 'string' ? parseCoin(coin) : undefined
  if (known) fields.coin = coinToPath(known)
  if (known && typeof family === 'string') fields.lane = `${coinToPath(known)}/${family}`
  if (typeof path === 'string' && epoch !== undefined) fields.incarnation = `${path}#${epoch}`
  for (const [key, value] of Object.entries(what)) {
    if (key in fields) continue
    fields[key] = key === 'message' ? summary(value) : readable(key, value)
  }
  return fields
}

/** Instants are ISO 8601 in logs too. */
function readable(key: string, value: unknown): unknown {
  if (value instanceof Error) return errorOf(value)
  const isInstant = typeof value === 'number' && /^(from|to|openAt|lastAt|cutAt|doneTo)$/.test(key)
  return isInstant && Number.isFinite(value) ? iso(value) : value
}

function errorOf(error: Error): Readonly<Record<string, unknown>> {
  const { code } = error as { code?: unknown }
  const cause = error.cause instanceof Error ? { cause: errorOf(error.cause) } : {}
  return {
    name: error.name,
    message: error.message,
    ...(code ? { code } : {}),
    stack: error.stack,
    ...cause,
  }
}

/** A dead letter may hold thousands of trades; its kind is what one looks for. */
function summary(message: unknown): unknown {
  if (message === null || typeof message !== 'object') return message
  return (message as { type?: unknown }).type ?? message.constructor.name
}
