import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HandOver } from '../../../actors/coin/hand-over.ts'
import { Fault } from '../../../streams/fault.ts'

test('facts come out in the order in which they went in, whatever was taken in between', () => {
  const handOver = new HandOver<number>('probe', 10_000, () => {})
  const out: number[] = []
  let next = 0
  for (let round = 0; round < 3_000; round++) {
    handOver.put(next++)
    handOver.put(next++)
    out.push(handOver.peek() as number)
    handOver.shift()
  }
  while (handOver.length > 0) {
    out.push(handOver.peek() as number)
    handOver.shift()
  }
  assert.deepEqual(
    out,
    Array.from({ length: next }, (_, i) => i),
  )
})

test('it wakes its actor once for facts that wait together', () => {
  let woken = 0
  const handOver = new HandOver<string>('probe', 10, () => woken++)
  handOver.put('a')
  handOver.put('b')
  assert.equal(woken, 1)
  handOver.shift()
  handOver.shift()
  handOver.put('c')
  assert.equal(woken, 2)
})

test('over its bound it refuses with a fault that may be tried again, and keeps what it has', () => {
  const handOver = new HandOver<string>('coin BTC/USDT', 2, () => {})
  handOver.put('a')
  handOver.put('b')
  assert.throws(
    () => handOver.put('c'),
    (error) => error instanceof Fault && error.code === 'hand_over.full' && error.retryable,
  )
  assert.equal(handOver.length, 2)
  assert.equal(handOver.peek(), 'a')
})
