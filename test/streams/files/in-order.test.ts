import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { candlesFromTrades } from '../../../streams/candles/from-trades.ts'
import type { Coin } from '../../../streams/coin.ts'
import { inOrder } from '../../../streams/files/in-order.ts'
import { candlesOf, type MarketFile, openMarketFile } from '../../../streams/files/market-file.ts'
import { minuteMs } from '../../../streams/time.ts'

const folder = await mkdtemp(join(tmpdir(), 'starling order '))
after(() => rm(folder, { recursive: true }))

const start = Date.UTC(2026, 0, 1)
const coin = 'BTC/USDT' as Coin
const headers = { candles: 'time,open,high,low,close,volume', trades: 'id,time,price,size' }

let files = 0
async function opened(kind: MarketFile['kind'], rows: readonly string[]): Promise<MarketFile> {
  const path = join(folder, `${files++}.csv`)
  await writeFile(path, [headers[kind], ...rows].join('\n'))
  return openMarketFile(path)
}

async function candlesIn(file: MarketFile) {
  const candles = []
  if (file.kind === 'candles') {
    for await (const bars of file.pages()) candles.push(...candlesOf(bars, coin))
  } else {
    const shape = { coin, intervalMs: minuteMs }
    for await (const page of candlesFromTrades(shape, file.pages())) candles.push(...page)
  }
  return candles
}

const trades = Array.from({ length: 200 }, (_, i) => `${i},${start + i * 3_000},${1 + (i % 9)},1`)
const candles = Array.from(
  { length: 50 },
  (_, i) => `${start + i * minuteMs},5,9,1,${1 + (i % 9)},${i % 7}`,
)

test('whatever the order of the rows, the candles are the same', async () => {
  for (const [kind, rows] of [
    ['trades', trades],
    ['candles', candles],
  ] as const) {
    const expected = await candlesIn(await opened(kind, rows))
    const shuffled = fc.shuffledSubarray([...rows], { minLength: rows.length })
    await fc.assert(
      fc.asyncProperty(shuffled, async (mixed) => {
        const file = await inOrder(await opened(kind, mixed), minuteMs)
        assert.deepEqual(await candlesIn(file), expected)
      }),
      { numRuns: 30 },
    )
  }
})

test('more rows than a page holds come out sorted, whole and once', async () => {
  const many = Array.from({ length: 40_000 }, (_, i) => `${start + i * minuteMs},1,1,1,1,${i + 1}`)
  const file = await inOrder(await opened('candles', many.toReversed()), minuteMs)
  const sorted = await candlesIn(file)
  assert(
    sorted.every(({ openAt, volume }, i) => openAt === start + i * minuteMs && volume === i + 1),
  )
  assert.equal(sorted.length, many.length)
})

test('a file that is in order is read as it is, trades of one interval in any order', async () => {
  const ordered = await opened('candles', candles)
  assert.equal(await inOrder(ordered, minuteMs), ordered)
  const [first, second, ...rest] = trades as [string, string, ...string[]]
  const within = await opened('trades', [second, first, ...rest])
  assert.equal(await inOrder(within, minuteMs), within)
})

test('two candles of one opening are refused in any order', async () => {
  const [a, b, c] = candles.slice(1) as [string, string, string]
  for (const rows of [
    [a, a],
    [a, b, a],
    [c, b, a, b],
  ]) {
    await assert.rejects(inOrder(await opened('candles', rows), minuteMs), {
      code: 'file.repeated',
    })
  }
})
