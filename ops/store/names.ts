/**
 * The small numbers that stand for coins, lanes, versions and feature sets in the great tables. They never change once
 * given, so they are asked for once.
 */
import { type Lane, laneName, type Version, versionName } from '../../models/version.ts'
import type { Coin } from '../../streams/coin.ts'
import { Fault } from '../../streams/fault.ts'
import type { Sql } from './connection.ts'
import { faulted } from './faults.ts'

/** At once where it is known: they are asked for with every row. */
export type Name = number | Promise<number>

export interface Names {
  /** Given on first use. */
  readonly coin: (coin: Coin) => Name
  /** Given on first use. */
  readonly lane: (lane: Lane) => Name
  /** Given on first use. */
  readonly featureSet: (hash: string) => Name
  /** Only versions that were registered have one: a Fault `store.unknown_version` otherwise. */
  readonly version: (version: Version) => Name
}

export function openNames(sql: Sql): Names {
  const coin = remembered(
    given(
      (symbol: Coin) => sql`
        with made as (insert into coin (symbol) values (${symbol}) on conflict do nothing returning id)
        select id from made union all select id from coin where symbol = ${symbol}`,
    ),
    String,
  )
  const lane = remembered(
    given(async (it: Lane) => {
      const coinId = await coin(it.coin)
      return await sql`
        with made as (
          insert into lane (coin_id, family) values (${coinId}, ${it.family})
          on conflict do nothing returning id)
        select id from made
        union all select id from lane where coin_id = ${coinId} and family = ${it.family}`
    }),
    laneName,
  )
  const featureSet = remembered(
    given(
      (hash: string) => sql`
        with made as (insert into feature_set (hash) values (${hash}) on conflict do nothing returning id)
        select id from made union all select id from feature_set where hash = ${hash}`,
    ),
    String,
  )
  const version = remembered(async (it: Version) => {
    const found = await idOf(sql`
      select v.id from version v join lane l on l.id = v.lane_id join coin c on c.id = l.coin_id
      where c.symbol = ${it.coin} and l.family = ${it.family} and v.number = ${it.version}`)
    if (found === undefined)
      throw new Fault('store.unknown_version', `${versionName(it)} was never registered`)
    return found
  }, keyOf)
  return { coin, lane, featureSet, version }
}

/** Only has to tell versions apart, and is made for every row: a path's spelling would cost three times as much. */
function keyOf({ coin, family, version }: Version): string {
  return `${coin} ${family} ${version}`
}

async function idOf(query: PromiseLike<readonly unknown[]>): Promise<number | undefined> {
  const rows = (await query) as readonly { readonly id: number }[]
  return rows[0]?.id
}

/** Two that make the same name at once: the slower one's statement may see neither row, and asks again. */
function given<K>(ask: (key: K) => PromiseLike<readonly unknown[]>): (key: K) => Promise<number> {
  return async (key) => {
    for (let attempt = 0; attempt < 5; attempt++) {
      const id = await idOf(ask(key))
      if (id !== undefined) return id
    }
    throw new Fault('store.unavailable', 'a name could not be given', { retryable: true })
  }
}

function remembered<K>(
  ask: (key: K) => Promise<number>,
  name: (key: K) => string,
): (key: K) => Name {
  const known = new Map<string, number>()
  const learn = async (key: K, text: string): Promise<number> => {
    const id = await faulted(() => ask(key))
    known.set(text, id)
    return id
  }
  return (key) => {
    const text = name(key)
    return known.get(text) ?? learn(key, text)
  }
}
