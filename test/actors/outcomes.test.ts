import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Subject } from 'rxjs'
import { outcomes } from '../../actors/outcomes.ts'
import type { Coin } from '../../streams/coin.ts'
import { probe } from '../support/actors/probe.ts'
import { btc, eth } from '../support/candles.ts'

async function stand(resolve: (coin: Coin) => Promise<number>, coins: readonly Coin[] = []) {
  const committed$ = new Subject<Coin>()
  const spec = outcomes({ coins: () => coins, committed$, resolve })
  type Message = Parameters<typeof spec.receive>[1]
  const { self, told, later } = probe<Message>()
  let state = await spec.start(self)
  const hearAll = async (): Promise<void> => {
    for (let next = told.shift(); next; next = told.shift())
      state = await spec.receive(state, next, self)
  }
  const elapse = async (): Promise<void> => {
    const due = later.shift()
    assert.ok(due, 'it has set a timer')
    state = await spec.receive(state, due.message, self)
  }
  return { committed$, hearAll, elapse, later }
}

test('at the start each coin is looked at: something may have fallen due while nobody was there', async () => {
  const resolved: Coin[] = []
  const { elapse, later } = await stand(
    (coin) => {
      resolved.push(coin)
      return Promise.resolve(1)
    },
    [btc, eth],
  )
  await elapse()
  assert.deepEqual(resolved, [btc, eth])
  assert.equal(later.length, 0)
})

test('coins whose candles close together are resolved together, each once', async () => {
  const resolved: Coin[] = []
  const { committed$, hearAll, elapse, later } = await stand((coin) => {
    resolved.push(coin)
    return Promise.resolve(1)
  })
  for (const coin of [btc, eth, btc]) committed$.next(coin)
  await hearAll()
  assert.equal(later.length, 1)
  assert.deepEqual(resolved, [])
  await elapse()
  assert.deepEqual(resolved, [btc, eth])
  assert.equal(later.length, 0)
})

test('a candle that comes while others are resolved has its own turn', async () => {
  const resolved: Coin[] = []
  const { committed$, hearAll, elapse } = await stand((coin) => {
    if (resolved.length === 0) committed$.next(eth)
    resolved.push(coin)
    return Promise.resolve(0)
  })
  committed$.next(btc)
  await hearAll()
  await elapse()
  await hearAll()
  await elapse()
  assert.deepEqual(resolved, [btc, eth])
})

test('a store that refuses ends the incarnation: the next one finds the same work due', async () => {
  const { committed$, hearAll, elapse } = await stand(() => Promise.reject(new Error('refused')))
  committed$.next(btc)
  await hearAll()
  await assert.rejects(elapse(), /refused/)
})
