/**
 * The examination that `doctor` prints: each check says whether it holds, what was found, and what mends it. What is only
 * needed by a part that is not switched on is told and holds all the same.
 */
import type { Millis } from '../../streams/time.ts'
import type { Config } from '../config/schema.ts'
import { choosePython } from '../training/python.ts'
import type { Probes } from './probes.ts'
import type { Holder } from './world.ts'

export interface Check {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
  /** What to do; null where nothing is to be done. What holds all the same may be a lack that can be mended. */
  readonly mend: string | null
}

const nodeMajorMin = 24
const gibibyte = 1024 ** 3
/** Half a year of candles, features and predictions of two coins with five families, and the database's own log. */
const freeBytesMin = 2 * gibibyte
/** A candle waits two seconds for late trades; a clock further off than that loses some. */
const clockMsMax: Millis = 2000

export async function examine(
  config: Config,
  dataPath: string,
  holder: Holder | undefined,
  probes: Probes,
): Promise<readonly Check[]> {
  return [
    runtime(probes),
    packages(probes),
    folder(dataPath, probes),
    disk(dataPath, probes),
    await port(config, holder, probes),
    await clock(config, probes),
    python(config, probes),
    await database(config, dataPath, probes),
    ...(await outside(config, probes)),
  ]
}

function runtime({ nodeVersion }: Probes): Check {
  const ok = Number.parseInt(nodeVersion, 10) >= nodeMajorMin
  return check(
    'runtime',
    ok,
    `Node ${nodeVersion}`,
    'start through npm or npx: they bring the Node that is wanted',
  )
}

function packages({ missingPackages }: Probes): Check {
  const missing = missingPackages()
  const detail = missing.length === 0 ? 'all there' : `missing: ${missing.join(', ')}`
  return check('packages', missing.length === 0, detail, 'npm ci')
}

function folder(dataPath: string, { cannotWrite }: Probes): Check {
  const why = cannotWrite(dataPath)
  const detail = why === undefined ? `${dataPath} can be written` : `${dataPath}: ${why}`
  return check('data directory', why === undefined, detail, 'choose another folder with --data')
}

function disk(dataPath: string, { freeBytes }: Probes): Check {
  const free = freeBytes(dataPath)
  const detail = `${(free / gibibyte).toFixed(1)} GiB free`
  return check('disk', free >= freeBytesMin, detail, 'free some space, or shorten store.keep')
}

async function port(config: Config, holder: Holder | undefined, probes: Probes): Promise<Check> {
  const { host, port } = config.api
  if (holder)
    return check('port', true, `the daemon answers at ${holder.address ?? 'no port yet'}`, '')
  const ok = await probes.canListen(host, port)
  const where = `${port} on ${host}`
  return check(
    'port',
    ok,
    ok ? `${where} is free` : `${where} is taken`,
    'choose another with --port',
  )
}

/** Somebody else's clock, where somebody can be reached. */
async function clock(config: Config, probes: Probes): Promise<Check> {
  const url = exchangeUrls(config)[0]
  const theirs = url === undefined ? undefined : await probes.dateAt(url)
  if (theirs === undefined) return check('clock', true, 'nobody outside to compare with', '')
  // A `Date` header has whole seconds: half a one is added on average.
  const offMs = probes.now() - (theirs + 500)
  const detail = `${(offMs / 1000).toFixed(1)} s from ${new URL(url as string).host}`
  return check(
    'clock',
    Math.abs(offMs) <= clockMsMax,
    detail,
    'let the system keep time: timedatectl set-ntp true',
  )
}

/** All families serve without it, and linear is trained without it: what is missing is told, and holds. */
function python(config: Config, { versionOf }: Probes): Check {
  const found = choosePython(versionOf)
  if (found.type === 'found') return check('python', true, `Python ${found.version}`, '')
  const isWanted = config.training.where === 'local'
  const detail = isWanted ? 'only linear is trained' : 'none that will do, and none is needed'
  return { name: 'python', ok: true, detail, mend: isWanted ? found.mend : null }
}

async function database(config: Config, dataPath: string, probes: Probes): Promise<Check> {
  const { url } = config.store
  if (url === null) {
    const own = probes.ownDatabase(dataPath)
    if ('version' in own) return check('database', true, `PostgreSQL ${own.version} of its own`, '')
    return check('database', false, own.why, 'npm ci, start with another --data, or set store.url')
  }
  const { hostname, port } = new URL(url)
  const where = `${hostname}:${port || 5432}`
  const ok = await probes.canConnect(hostname, Number(port || 5432))
  const mend = 'start it, or correct store.url'
  return check('database', ok, ok ? `${where} answers` : `${where} does not answer`, mend)
}

async function outside(config: Config, probes: Probes): Promise<readonly Check[]> {
  const checks: Promise<Check>[] = []
  const reach = async (name: string, host: string, port: number, mend: string): Promise<Check> => {
    const ok = await probes.canConnect(host, port)
    const where = `${host}:${port}`
    return check(name, ok, ok ? `${where} answers` : `${where} does not answer`, mend)
  }
  for (const broker of config.bus.brokers) {
    const [host, port] = broker.split(':') as [string, string]
    checks.push(reach(`broker ${broker}`, host, Number(port), 'start it, or correct bus.brokers'))
  }
  if (config.registry.url !== null) {
    const { hostname, port, protocol } = new URL(config.registry.url)
    const number = Number(port || (protocol === 'https:' ? 443 : 80))
    checks.push(reach('registry', hostname, number, 'start it, or correct registry.url'))
  }
  const endpoint =
    config.artifacts.url && new URL(config.artifacts.url).searchParams.get('endpoint')
  if (endpoint && URL.canParse(endpoint)) {
    const { hostname, port, protocol } = new URL(endpoint)
    const number = Number(port || (protocol === 'https:' ? 443 : 80))
    checks.push(reach('artifacts', hostname, number, 'start it, or correct artifacts.url'))
  }
  return [...(await Promise.all(checks)), ...(await exchange(config, probes))]
}

async function exchange(config: Config, probes: Probes): Promise<readonly Check[]> {
  const urls = exchangeUrls(config)
  const answers = await Promise.all(
    urls.map(async (url) => [url, await probes.dateAt(url)] as const),
  )
  const reached = answers.filter(([, date]) => date !== undefined).map(([url]) => new URL(url).host)
  if (urls.length === 0) return []
  const isAuto = config.market.source === 'auto'
  const detail =
    reached.length > 0
      ? `${reached.join(', ')} answers`
      : `no answer from ${urls.map((url) => new URL(url).host).join(', ')}${isAuto ? '; auto will play the tape' : ''}`
  const mend = 'see whether this machine may reach it, or set market.source to tape'
  return [check('exchange', reached.length > 0 || isAuto, detail, mend)]
}

/** Where the exchanges with a home known here are asked whether they are there; others are ccxt's to find. */
const homes: Readonly<Record<string, string>> = {
  binance: 'https://api.binance.com/api/v3/ping',
  kraken: 'https://api.kraken.com/0/public/Time',
}

function exchangeUrls(config: Config): readonly string[] {
  const { source, candidates, urls } = config.market
  if (source === 'tape') return []
  if (urls.rest !== null) return [urls.rest]
  const ids = source === 'auto' ? candidates : [source]
  return ids.flatMap((id) => homes[id] ?? [])
}

function check(name: string, ok: boolean, detail: string, mend: string): Check {
  return { name, ok, detail, mend: ok ? null : mend }
}
