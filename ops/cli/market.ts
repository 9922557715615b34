/**
 * Where commands get their data: from the running daemon over HTTP, or, when there is none, from the data directory
 * through the same routes without a port. What they print is the same either way.
 */
import { VirtualTimeScheduler } from 'rxjs'
import { Fault } from '../../streams/fault.ts'
import { iso } from '../../streams/time.ts'
import { createApp } from '../api/app.ts'
import type { ApiDeps } from '../api/deps.ts'
import { createEventHub } from '../api/event-hub.ts'
import type { Problem } from '../api/problem.ts'
import type { StatusBody } from '../api/routes/status.ts'
import type { Config } from '../config/schema.ts'
import type { Holder, OpenedMarket, World } from './world.ts'

export interface Market {
  readonly get: (path: string, query?: Query) => Promise<unknown>
  readonly send: (method: 'POST' | 'DELETE', path: string, body?: object) => Promise<unknown>
  readonly upload: (path: string, form: FormData) => Promise<unknown>
  readonly close: () => Promise<void>
}

export type Query = Readonly<Record<string, string | undefined>>

const answerMsMax = 60_000
/** Without a port there is nobody to keep out. */
const offlineToken = 'offline'

/** The daemon, for what only a daemon can do. */
export interface Daemon extends Market {
  readonly holder: Holder
}

export function requireDaemon(world: World, dataPath: string): Daemon {
  const holder = world.holder(dataPath)
  if (!holder) throw new Fault('daemon.absent', `no daemon is running on ${dataPath}`)
  const { address } = holder
  if (!address) {
    const what = `the daemon on ${dataPath} (process ${holder.pid}) is still starting`
    throw new Fault('daemon.absent', what)
  }
  const asking = asked(`the daemon at ${address}`, world.token(dataPath) ?? '', (path, init) =>
    world.fetch(address + path, { ...init, signal: AbortSignal.timeout(answerMsMax) }),
  )
  return { ...asking, holder, close: async () => {} }
}

/** A daemon answers for its own market alone. */
export function requireSource(asked: string, { source }: StatusBody): void {
  if (asked === 'auto' || asked === source) return
  const what = `--source: found ${asked}, the running daemon follows ${source}`
  throw new Fault('usage.source', `${what}; leave it out, or name another --data`)
}

export async function openMarketOrDaemon(
  world: World,
  dataPath: string,
  config: () => Config,
  source?: string,
): Promise<Market> {
  if (world.holder(dataPath)) {
    const daemon = requireDaemon(world, dataPath)
    if (source !== undefined)
      requireSource(source, (await daemon.get('/api/v1/status')) as StatusBody)
    return daemon
  }
  const settings = config()
  const market = await world.openMarket(dataPath, settings)
  const app = createApp(offlineDeps(market, settings, world))
  const asking = asked(dataPath, offlineToken, async (path, init) =>
    app.request(`http://localhost${path}`, init),
  )
  return { ...asking, close: market.close }
}

function asked(
  whom: string,
  token: string,
  ask: (path: string, init: RequestInit) => Promise<Response>,
): Omit<Market, 'close'> {
  const headers = { authorization: `Bearer ${token}` }
  const call = (path: string, init: RequestInit): Promise<unknown> =>
    answered(whom, () => ask(path, init))
  return {
    get: (path, query = {}) => call(path + queryText(query), { headers }),
    send: (method, path, body = {}) =>
      call(path, {
        method,
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    upload: (path, form) => call(path, { method: 'POST', headers, body: form }),
  }
}

async function answered(whom: string, ask: () => Promise<Response>): Promise<unknown> {
  const answer = await ask().catch((cause: Error) => {
    if (cause.name === 'TimeoutError') {
      throw new Fault('daemon.timeout', `${whom} did not answer in ${answerMsMax / 1000} s`, {
        cause,
      })
    }
    throw new Fault('daemon.unreachable', `${whom} cannot be reached: ${cause.message}`, { cause })
  })
  const body: unknown = await answer.json()
  if (answer.ok) return body
  throw refused(body as Problem)
}

/** What is wrong with the query is wrong with the options that it was made of. */
function refused({ code, detail, errors = [] }: Problem): Fault {
  const options = errors.flatMap(({ at, message }) =>
    at.startsWith('query.') ? `${at.replace('query.', '--')}: ${message}` : [],
  )
  return options.length > 0
    ? new Fault('usage.query', options.join('\n'))
    : new Fault(code as Fault['code'], detail)
}

function queryText(query: Query): string {
  const asked = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1])
  return asked.length === 0 ? '' : `?${new URLSearchParams(asked)}`
}

/** Without a daemon there is what is stored and what may be written down for the next one, and nothing that lives. */
function offlineDeps(market: OpenedMarket, config: Config, world: World): ApiDeps {
  const { reads } = market
  const absent = (): never => {
    throw new Fault('daemon.absent', 'no daemon is running')
  }
  return {
    reads,
    intervalMs: config.market.interval,
    status: async () => absent(),
    coins: async () =>
      (await reads.candleCounts()).map(({ coin, candles, gaps, to }) => ({
        coin,
        source: market.source,
        state: 'stopped',
        lastTradeAt: null,
        lastCandleAt: to - config.market.interval,
        candles,
        gaps,
        stalenessMs: null,
      })),
    tree: absent,
    laneState: () => null,
    preview: () => undefined,
    controls: { act: absent, addCoin: absent, removeCoin: absent },
    versions: market.versions,
    training: { ask: absent, cancel: absent, plan: () => [] },
    readiness: () => ({ ready: false, why: 'no daemon is running' }),
    metrics: { contentType: 'text/plain', text: async () => '', observe: () => {} },
    // Nobody watches what does not live: the clock of its timers stands still.
    events: createEventHub(iso(world.clock.now()), new VirtualTimeScheduler()),
    access: { token: offlineToken, allowedHosts: [], isReadingGuarded: false },
    now: () => world.clock.now(),
    elapsed: () => world.clock.now(),
    broke: (error) => {
      throw error
    },
    version: world.version,
  }
}
