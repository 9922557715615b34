import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { VirtualTimeScheduler } from 'rxjs'
import { CandleBook } from '../../../../streams/candles/book.ts'
import type { Candle } from '../../../../streams/candles/candle.ts'
import { foldTrades } from '../../../../streams/candles/fold.ts'
import { type Coin, parseCoin } from '../../../../streams/coin.ts'
import type { FeedItem } from '../../../../streams/feeds/feed.ts'
import { pushCandleTrades } from '../../../../streams/feeds/tape/candle-trades.ts'
import { fileMarket } from '../../../../streams/feeds/tape/file-market.ts'
import type { TapeMarket } from '../../../../streams/feeds/tape/market.ts'
import { tapeFeed } from '../../../../streams/feeds/tape/tape.ts'
import { openMarketFile } from '../../../../streams/files/market-file.ts'
import { iso, minuteMs } from '../../../../streams/time.ts'
import { TradesBuilder } from '../../../../streams/trade.ts'

const folder = await mkdtemp(join(tmpdir(), 'starling tape '))
after(() => rm(folder, { recursive: true }))

const coin = parseCoin('BTC/USD') as Coin
const start = Date.UTC(2026, 0, 1)
const graceMs = 2000

async function file(name: string, rows: readonly string[]): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, rows.join('\n'))
  return path
}

function play(market: TapeMarket): {
  readonly items: readonly FeedItem[]
  readonly candles: readonly Candle[]
  readonly ended: boolean
} {
  const clock = new VirtualTimeScheduler()
  const items: FeedItem[] = []
  const candles: Candle[] = []
  let ended = false
  const book = new CandleBook({
    coin,
    intervalMs: minuteMs,
    graceMs,
    correctionMs: 0,
    from: market.startAt,
    countsTrades: market.tells.trades,
  })
  const keep = (events: ReturnType<CandleBook['add']>): void => {
    for (const event of events) if (event.type === 'closed') candles.push(event.candle)
  }
  tapeFeed({ market, clock, speed: Number.POSITIVE_INFINITY, graceMs })
    .open(coin, market.startAt)
    .subscribe({
      next: (item) => {
        if (item.type !== 'trades') items.push(item)
        if (item.type === 'trades') keep(book.add(item.trades))
        if (item.type === 'clock') keep(book.clock(item.at))
      },
      complete: () => {
        ended = true
      },
    })
  clock.flush()
  return { items, candles, ended }
}

test('four trades rebuild any candle, its volume to the last bit', () => {
  const price = fc.double({ min: 1e-8, max: 1e8, noNaN: true })
  fc.assert(
    fc.property(
      fc.tuple(price, price, price, price),
      fc.double({ min: 1e-12, max: 1e12, noNaN: true }),
      (prices, volume) => {
        const sorted = [...prices].sort((a, b) => a - b) as [number, number, number, number]
        const [low, close, open, high] = sorted
        const builder = new TradesBuilder()
        pushCandleTrades(builder, { openAt: start, open, high, low, close, volume }, minuteMs)
        const bar = foldTrades(builder.take(), 0, 4, start, {})
        assert.deepEqual(
          [bar.open, bar.high, bar.low, bar.close, bar.volume],
          [open, high, low, close, volume],
        )
      },
    ),
    { numRuns: 2000 },
  )
})

test('a candle file is played as its candles; minutes it lacks are empty, and then it ends', async () => {
  const path = await file('candles.csv', [
    'open_time,open,high,low,close,volume',
    `${start + 3 * minuteMs},5,9,4,6,0.7`,
    `${start},1,3,0.5,2,0.1`,
    `${start + 2 * minuteMs},2,2,2,2,0`,
  ])
  const market = await fileMarket({ path, coin })
  assert.match(market.name, /^tape-file-[0-9a-f]{12}$/)
  const { items, candles, ended } = play(market)
  const told = candles.map((c) => [c.state, c.open, c.high, c.low, c.close, c.volume])
  assert.deepEqual(told, [
    ['final', 1, 3, 0.5, 2, 0.1],
    ['empty', Number.NaN, Number.NaN, Number.NaN, Number.NaN, 0],
    ['empty', Number.NaN, Number.NaN, Number.NaN, Number.NaN, 0],
    ['final', 5, 9, 4, 6, 0.7],
  ])
  assert(Number.isNaN(candles[0]?.trades) && Number.isNaN(candles[0]?.takerBuyVolume))
  assert.equal(items.at(-1)?.type, 'ended')
  assert(ended)
})

test('an export is played too: what it has no prices of, nobody traded as far as it knows', async () => {
  const path = await file('export.csv', [
    'coin,openAt,open,high,low,close,volume,quoteVolume,takerBuyVolume,trades,state,revision',
    `BTC/USD,${iso(start)},1,3,0.5,2,0.1,0.2,,4,corrected,1`,
    `BTC/USD,${iso(start + minuteMs)},,,,,0,0,0,0,empty,0`,
    `BTC/USD,${iso(start + 2 * minuteMs)},,,,,,,,,missing,0`,
    `BTC/USD,${iso(start + 3 * minuteMs)},5,9,4,6,0.7,4,,3,final,0`,
  ])
  const { candles } = play(await fileMarket({ path, coin }))
  assert.deepEqual(
    candles.map(({ state, close, volume }) => [state, close, volume]),
    [
      ['final', 2, 0.1],
      ['empty', Number.NaN, 0],
      ['empty', Number.NaN, 0],
      ['final', 6, 0.7],
    ],
  )
})

test('a trade file in any order is played in order, and rows that repeat a trade count once', async () => {
  const path = await file('trades.csv', [
    'time,price,size,side,id',
    `${start + 70_000},12,1,buy,3`,
    `${start},10,1,buy,1`,
    `${start + 5},11,2,sell,2`,
    `${start},10,1,buy,1`,
  ])
  const { candles } = play(await fileMarket({ path, coin }))
  assert.deepEqual(
    candles.map((c) => [c.close, c.volume, c.takerBuyVolume, c.trades]),
    [
      [11, 3, 1, 2],
      [12, 1, 1, 1],
    ],
  )
})

test('the same content is the same market, another content another', async () => {
  const rows = ['time,price,size', `${start},10,1`]
  const a = await fileMarket({ path: await file('x.csv', rows), coin })
  const b = await fileMarket({ path: await file('y.csv', rows), coin })
  const c = await fileMarket({ path: await file('z.csv', [...rows, `${start},11,1`]), coin })
  assert.equal(a.name, b.name)
  assert.notEqual(a.name, c.name)
})

test('what cannot be played is refused', async () => {
  const header = 'open_time,open,high,low,close,volume'
  const cases: [string, readonly string[], string][] = [
    [
      'hours',
      [header, `${start},1,1,1,1,1`, `${start + 60 * minuteMs},1,1,1,1,1`],
      'file.interval',
    ],
    ['off', [header, `${start + 1},1,1,1,1,1`], 'file.interval'],
    ['repeated', [header, `${start},1,1,1,1,1`, `${start},2,2,2,2,2`], 'file.repeated'],
    ['none', [header], 'file.empty'],
  ]
  for (const [name, rows, code] of cases) {
    await assert.rejects(
      fileMarket({ path: await file(`${name}.csv`, rows), coin }),
      { code },
      name,
    )
  }
})

test('a coin that is not in the file ends at once', async () => {
  const market = await fileMarket({
    path: await file('one.csv', ['time,price,size', `${start},1,1`]),
    coin,
  })
  const clock = new VirtualTimeScheduler()
  const types: string[] = []
  tapeFeed({ market, clock, speed: 1, graceMs })
    .open(parseCoin('ETH/USD') as Coin, start)
    .subscribe((item) => types.push(item.type))
  clock.flush()
  assert.deepEqual(types, ['connected', 'ended'])
})

const real = join(import.meta.dirname, '../../../../../shared/data/ETHUSD-2019H1.csv.gz')

test('half a year of real candles comes back exactly', {
  skip: !existsSync(real) && `${real} is not here`,
}, async () => {
  const { candles } = play(await fileMarket({ path: real, coin }))
  const traded = candles.filter((candle) => candle.state === 'final')
  let row = 0
  const opened = await openMarketFile(real)
  assert(opened.kind === 'candles')
  for await (const bars of opened.pages()) {
    for (let i = 0; i < bars.length; i++, row++) {
      const c = traded[row] as Candle
      const same =
        c.openAt === bars.openAt[i] &&
        c.open === bars.open[i] &&
        c.high === bars.high[i] &&
        c.low === bars.low[i] &&
        c.close === bars.close[i] &&
        c.volume === bars.volume[i]
      assert(same, `row ${row}`)
    }
  }
  assert.equal(row, traded.length)
})
