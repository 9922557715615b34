/** What a stand-in that runs as a process can be told to do. */
import type { Exchange, Faults } from './exchange.ts'

export type Order =
  | { readonly do: 'drop' | 'mute' | 'shuffled' }
  | { readonly do: 'faults'; readonly set: Partial<Faults> }
  | { readonly do: 'say'; readonly text: string }
  | { readonly do: 'clock'; readonly offsetMs: number }
  | { readonly do: 'delist' | 'halt'; readonly coin: string }
  /** Of what was traded before, REST has candles and no trades any more. */
  | { readonly do: 'forget'; readonly coins: readonly string[] }
  /** A trade with a time in the past, or one that no socket tells of. */
  | { readonly do: 'past'; readonly coin: string; readonly ms: number }
  | { readonly do: 'untold'; readonly coin: string }
  /** The exchange's clock moves on by `ms`, and these coins have traded meanwhile; nobody was told. */
  | {
      readonly do: 'pass'
      readonly coins: readonly string[]
      readonly ms: number
      readonly everyMs: number
    }

export function obey(exchange: Exchange, order: Order): void {
  switch (order.do) {
    case 'drop':
      exchange.drop()
      return
    case 'mute':
      exchange.mute()
      return
    case 'shuffled':
      exchange.shuffled()
      return
    case 'faults':
      Object.assign(exchange.faults, order.set)
      return
    case 'say':
      exchange.say(order.text)
      return
    case 'clock':
      exchange.offsetMs = order.offsetMs
      return
    case 'delist':
      exchange.market(order.coin).delisted = true
      return
    case 'halt':
      exchange.market(order.coin).halted = true
      return
    case 'forget':
      for (const coin of order.coins) exchange.market(coin).forgottenTo = exchange.now()
      return
    case 'past':
      exchange.trade(order.coin, { price: 100, size: 1, at: exchange.now() - order.ms })
      return
    case 'untold':
      exchange.market(order.coin).add({ at: exchange.now(), price: 100, size: 1 })
      return
    case 'pass': {
      const from = exchange.now()
      exchange.offsetMs += order.ms
      for (const coin of order.coins)
        exchange.market(coin).generate(from, exchange.now(), order.everyMs)
      return
    }
  }
  throw new Error(`unknown order ${JSON.stringify(order)}`)
}
