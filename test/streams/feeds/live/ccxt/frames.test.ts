import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBinance, readKraken } from '../../../../../streams/feeds/live/ccxt/frames.ts'
import { quirksOf } from '../../../../../streams/feeds/live/ccxt/quirks.ts'

type Row = readonly unknown[]

test('a Binance aggregate trade is read bare and out of a combined stream', () => {
  const trade = {
    e: 'aggTrade',
    s: 'BTCUSDT',
    a: 7,
    p: '1.5',
    q: '2',
    T: 1_700_000_000_000,
    m: true,
  }
  const rows: Row[] = []
  assert.equal(
    readBinance(trade, (...row) => rows.push(row)),
    true,
  )
  assert.equal(
    readBinance({ stream: 'btcusdt@aggTrade', data: trade }, (...row) => rows.push(row)),
    true,
  )
  const row = ['BTCUSDT', 1_700_000_000_000, 7, 1.5, 2, -1]
  assert.deepEqual(rows, [row, row])
})

test('what is not plainly a frame of trades is left to ccxt', () => {
  const never = (): never => assert.fail('taken')
  const kraken = { channel: 'trade', data: [{ symbol: 'BTC/USD' }] }
  for (const frame of [
    null,
    'ping',
    7,
    [],
    {},
    { e: 'aggTrade' },
    { result: null, id: 1 },
    kraken,
  ]) {
    assert.equal(readBinance(frame, never), false)
    assert.equal(readKraken(frame, never), false)
  }
})

test("Kraken's REST seconds and socket text give the same millisecond", () => {
  const quirks = quirksOf('kraken')
  for (const micros of [1_695_628_177_708_706, 1_541_390_792_763_000, 1_700_000_000_001_999]) {
    const text = `${new Date(Math.floor(micros / 1000)).toISOString().slice(0, -1)}${String(micros % 1000).padStart(3, '0')}Z`
    const frame = {
      channel: 'trade',
      data: [{ symbol: 'BTC/USD', side: 'buy', price: 1, qty: 1, trade_id: 1, timestamp: text }],
    }
    const rows: Row[] = []
    readKraken(frame, (...row) => rows.push(row))
    assert.equal(rows[0]?.[1], quirks.at({ info: ['1', '1', micros / 1e6, 'b', 'm', '', 1] }), text)
  }
})
