/**
 * What an operator may do to the running fleet. Each action is recorded with its reason before it is carried out, and
 * what is paused, added or removed stays so across restarts.
 */
import { type Lane, laneName } from '../../models/version.ts'
import { type Coin, coinFromPath, coinToPath } from '../../streams/coin.ts'
import { Fault } from '../../streams/fault.ts'
import { floorTo, type Millis } from '../../streams/time.ts'
import type { Action, OperatorControls, Target } from '../api/deps.ts'
import type { Assembly } from '../assemble.ts'
import type { Sql } from '../store/connection.ts'
import { recordAction, standingActions } from '../store/operator.ts'
import type { LaneRegistry } from '../versions/lane-registry.ts'

export interface ControlPorts {
  readonly assembly: Assembly
  readonly registry: LaneRegistry
  readonly sql: Sql
  /** Opening of the first candle that a new lane is to answer. */
  readonly firstCandle: () => Millis
  /** Does the source have it? */
  readonly isListed: (coin: Coin) => Promise<boolean>
}

export function operatorControls(ports: ControlPorts): OperatorControls {
  const { assembly, registry, sql } = ports
  const { tree, fleet } = assembly
  return {
    act: async (target, action, reason) => {
      const path = pathOf(assembly, target)
      await recordAction(sql, action, targetName(target), reason)
      await carryOut(assembly, path, action, reason)
      return { state: tree.look(path)?.state ?? 'stopped' }
    },
    addCoin: async (coin, reason) => {
      if (fleet.coin(coin)) throw new Fault('coin.exists', `${coin} is followed already`)
      if (!(await ports.isListed(coin)))
        throw new Fault('coin.unlisted', `the source does not have ${coin}`)
      await recordAction(sql, 'add', coinToPath(coin), reason)
      await registry.open(coin, ports.firstCandle())
      await fleet.add(coin)
    },
    removeCoin: async (coin, reason) => {
      if (!fleet.coin(coin)) throw new Fault('coin.unknown', `${coin} is not followed`)
      await recordAction(sql, 'remove', coinToPath(coin), reason)
      await fleet.remove(coin)
      await registry.close(coin, ports.firstCandle())
    },
  }
}

/** The configured coins, with what operators have added and removed since. */
export async function followedCoins(
  sql: Sql,
  configured: readonly Coin[],
): Promise<readonly Coin[]> {
  const actions = await standingActions(sql, ['add', 'remove'])
  const kept = configured.filter((coin) => actions.get(coinToPath(coin))?.action !== 'remove')
  const added = [...actions]
    .filter(([, { action }]) => action === 'add')
    .map(([target]) => coinFromPath(target) as Coin)
  return [...new Set([...kept, ...added])]
}

/** What was paused before the restart is paused again. */
export async function holdAgain(assembly: Assembly, sql: Sql): Promise<void> {
  for (const [name, { action, reason }] of await standingActions(sql, [
    'pause',
    'resume',
    'release',
    'restart',
  ])) {
    if (action !== 'pause') continue
    const [coinPath, family] = name.split('/')
    const coin = coinFromPath(coinPath as string)
    if (!coin || !assembly.fleet.coin(coin)) continue
    const path = pathOf(assembly, { coin, family })
    if (assembly.tree.look(path)) await assembly.tree.pause(path, reason)
  }
}

function pathOf({ fleet, tree }: Assembly, { coin, family }: Target): string {
  const known = fleet.coin(coin)
  if (!known) throw new Fault('coin.unknown', `${coin} is not followed`)
  if (family === undefined) return `${known.path}/lanes`
  const path = fleet.lanePath({ coin, family } satisfies Lane)
  if (!tree.look(path)) throw new Fault('lane.unknown', `${coin} has no lane ${family}`)
  return path
}

async function carryOut(
  { tree }: Assembly,
  path: string,
  action: Action,
  reason: string,
): Promise<void> {
  switch (action) {
    case 'pause':
      return tree.pause(path, reason)
    case 'resume':
      return tree.resume(path)
    case 'restart':
      return tree.restart(path, reason)
    case 'release':
      return releaseUnder(tree, path)
  }
}

/** A quarantine may be of the lane itself or of any version in it. */
async function releaseUnder(tree: Assembly['tree'], path: string): Promise<void> {
  const node = tree.find(path)
  if (node?.state === 'quarantined') await tree.release(path)
  for (const child of node?.children ?? []) await releaseUnder(tree, child.path)
}

function targetName({ coin, family }: Target): string {
  return family === undefined ? coinToPath(coin) : laneName({ coin, family })
}

export function lastClosed(now: Millis, graceMs: Millis, intervalMs: Millis): Millis {
  return floorTo(now - graceMs, intervalMs) - intervalMs
}
