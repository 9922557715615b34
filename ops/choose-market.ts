/**
 * Which market is followed: the one that is configured, or with `auto` the first live exchange that answers, else the
 * tape; and why, in words that are shown wherever the market is.
 */
import type { Coin } from '../streams/coin.ts'
import { Fault } from '../streams/fault.ts'
import { type CcxtOptions, canReach, ccxtFeed } from '../streams/feeds/ccxt.ts'
import type { Feed } from '../streams/feeds/feed.ts'
import type { Pace } from '../streams/feeds/pace.ts'
import { fileMarket } from '../streams/feeds/tape/file-market.ts'
import type { TapeMarket } from '../streams/feeds/tape/market.ts'
import { seededMarket } from '../streams/feeds/tape/seeded.ts'
import { tapeFeed } from '../streams/feeds/tape/tape.ts'
import type { Clock, Millis } from '../streams/time.ts'
import type { Config } from './config/schema.ts'

export interface ChosenMarket {
  /** Names the store. */
  readonly name: string
  readonly mode: 'live' | 'tape'
  readonly source: string
  readonly reason: string
  /** False for a coin that a tape does not play; an exchange is asked. */
  readonly plays: (coin: Coin) => boolean
  /** `resumeAt`: how far a tape had come; a live market is where it is. */
  readonly open: (resumeAt: Millis | undefined) => OpenFeed
}

export interface OpenFeed {
  readonly feed: Feed
  readonly close: () => void
}

export interface MarketPorts {
  readonly clock: Clock
  readonly random: () => number
  readonly pace: Pace
}

/** At this speed and above the tape is not slowed at all. */
const fullSpeed = 1e9
/** All candidates are asked at once, so this is what an unreachable network costs a start. */
const answerMsMax: Millis = 4_000

export async function chooseMarket(config: Config, ports: MarketPorts): Promise<ChosenMarket> {
  const { source, candidates } = config.market
  if (source === 'tape') return tape(config, ports, 'configured')
  if (source !== 'auto') return live(config, ports, source, 'configured')
  const urls = urlsOf(config)
  const reached = await Promise.all(candidates.map((id) => canReach(id, answerMsMax, urls)))
  const first = candidates[reached.indexOf(true)]
  if (first !== undefined) return live(config, ports, first, 'the first exchange that answered')
  return tape(config, ports, `no live exchange answered (${candidates.join(', ')})`)
}

async function live(
  config: Config,
  ports: MarketPorts,
  source: string,
  reason: string,
): Promise<ChosenMarket> {
  const { coins, interval, graceMs } = config.market
  const feed = await named({
    source,
    clock: ports.clock,
    random: ports.random,
    coins: coins as readonly Coin[],
    intervalMs: interval,
    urls: urlsOf(config),
    limits: { graceMs },
  })
  return {
    name: feed.market,
    mode: 'live',
    source,
    reason,
    plays: () => true,
    open: () => ({ feed, close: () => feed.close() }),
  }
}

async function tape(config: Config, ports: MarketPorts, reason: string): Promise<ChosenMarket> {
  const { interval: intervalMs, graceMs, coins } = config.market
  const { speed } = config.market.tape
  const market = await tapeMarket(config.market)
  // A lane begins with the candle that closed last, so the present is never before the close of the tape's first one.
  const { from: firstAt } = market.span(coins[0] as Coin) ?? { from: market.startAt }
  const earliest = firstAt + intervalMs + graceMs
  return {
    name: market.name,
    mode: 'tape',
    source: 'tape',
    reason,
    plays: (coin) => market.span(coin) !== undefined,
    open: (resumeAt) => {
      const feed = tapeFeed({
        market,
        clock: ports.clock,
        speed: speed >= fullSpeed ? Number.POSITIVE_INFINITY : speed,
        graceMs,
        intervalMs,
        pace: ports.pace,
        startAt: Math.max(resumeAt ?? market.startAt, earliest),
      })
      return { feed, close: () => {} }
    },
  }
}

/** A file is the market of the first coin; a seed has any. */
export async function tapeMarket({ tape, coins, interval }: Config['market']): Promise<TapeMarket> {
  const { file, seed, signal } = tape
  if (file === null) return seededMarket({ seed, signal })
  return fileMarket({ path: file, coin: coins[0] as Coin, intervalMs: interval })
}

/** A name that ccxt does not know is a configuration that is not right. */
async function named(options: CcxtOptions): ReturnType<typeof ccxtFeed> {
  try {
    return await ccxtFeed(options)
  } catch (cause) {
    if (!(cause instanceof Fault) || cause.code !== 'feed.unknown_source') throw cause
    throw new Fault('config.source', `market.source: ${cause.message}`, { cause })
  }
}

function urlsOf(config: Config): { rest?: string; ws?: string } | undefined {
  const { rest, ws } = config.market.urls
  if (rest === null && ws === null) return undefined
  return { ...(rest === null ? {} : { rest }), ...(ws === null ? {} : { ws }) }
}
