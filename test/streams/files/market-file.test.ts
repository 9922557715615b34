import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { type Coin, parseCoin } from '../../../streams/coin.ts'
import { candlesOf, openMarketFile } from '../../../streams/files/market-file.ts'
import type { Bars } from '../../../streams/files/pages.ts'
import { minuteMs } from '../../../streams/time.ts'
import type { Trades } from '../../../streams/trade.ts'

const folder = await mkdtemp(join(tmpdir(), 'starling files '))
after(() => rm(folder, { recursive: true }))

const start = Date.UTC(2026, 0, 1)
const candleHeader = 'open_time,open,high,low,close,volume'

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

async function barsIn(path: string): Promise<readonly Bars[]> {
  const opened = await openMarketFile(path)
  assert(opened.kind === 'candles')
  const pages: Bars[] = []
  for await (const page of opened.pages()) pages.push(page)
  return pages
}

async function tradesIn(path: string): Promise<Trades> {
  const opened = await openMarketFile(path)
  assert(opened.kind === 'trades')
  const pages: Trades[] = []
  for await (const page of opened.pages()) pages.push(page)
  assert.equal(pages.length, 1)
  return pages[0] as Trades
}

async function faultOf(path: string): Promise<string> {
  try {
    const opened = await openMarketFile(path)
    for await (const _ of opened.pages());
  } catch (fault) {
    const { code, message } = fault as { code: string; message: string }
    return `${code}: ${message.replace(path, 'FILE')}`
  }
  return 'none'
}

test('candles come out as they are written, plain, gzipped, with another separator or line end', async () => {
  const text = `${candleHeader}\n${start},1.5,2.25,1,2,10.125\n${start + minuteMs},2,2,2,2,0\n`
  const files = [
    await file('a.csv', text),
    await file('a.csv.gz', gzipSync(text)),
    await file('b.csv', text.trimEnd().replaceAll('\n', '\r\n')),
    await file('c.csv', text.replaceAll(',', ';')),
    await file('d.csv', `\ufeff${text.replace('open_time', '"Open Time"')}`),
    await file('name without extension', gzipSync(text)),
  ]
  for (const path of files) {
    const [bars] = await barsIn(path)
    assert(bars)
    assert.deepEqual([...bars.openAt], [start, start + minuteMs], path)
    assert.deepEqual([...bars.high], [2.25, 2])
    assert.deepEqual([...bars.volume], [10.125, 0])
    assert(Number.isNaN(bars.quoteVolume[0]), 'what the file does not tell is NaN')
    const candles = candlesOf(bars, parseCoin('BTC/USDT') as Coin)
    assert.equal(candles.length, 1, 'a minute without volume has no candle')
  }
})

test('instants are read in seconds, milliseconds, microseconds and as ISO texts', async () => {
  const written = [
    String(start),
    String(start / 1000),
    `${start / 1000}.000`,
    `${start}000`,
    `${start}000000`,
    '2026-01-01T00:00:00Z',
    '2026-01-01 00:00:00',
    '2026-01-01 00:00:00+00:00',
    '2026-01-01 01:00:00.000+01:00',
    '2026-01-01',
  ]
  const rows = written.map((at) => `${at},1,1,1,1,1`)
  const [bars] = await barsIn(await file('times.csv', [candleHeader, ...rows].join('\n')))
  assert.deepEqual(
    [...(bars as Bars).openAt],
    written.map(() => start),
  )
})

test('trades come with sides and names, or with neither', async () => {
  const sided = await tradesIn(
    await file(
      't1.csv',
      `id,price,qty,quote_qty,time,is_buyer_maker\n7,10,2,20,${start},true\n8,11,1,11,${start + 5},False\n`,
    ),
  )
  assert.deepEqual([...sided.side], [-1, 1])
  assert.deepEqual([...sided.id], [7, 8])
  assert.deepEqual([...sided.size], [2, 1])
  const named = await tradesIn(
    await file(
      't2.csv',
      `timestamp,side,price,amount,id\n${start},buy,10,2,abc-1\n${start},sell,11,1,abc-2\n`,
    ),
  )
  assert.deepEqual([...named.side], [1, -1])
  assert(named.id[0] !== named.id[1] && named.id.every((id) => Number.isSafeInteger(id)))
  const bare = await tradesIn(
    await file('t3.csv', `time,price,size\n${start},10,2\n${start},10,2\n`),
  )
  assert.deepEqual([...bare.side], [0, 0])
  assert.notEqual(bare.id[0], bare.id[1])
})

test('what is wrong is told with file, line, column, what was found and what was expected', async () => {
  const good = `${start},1,2,1,2,10`
  const cases: [string, string, RegExp][] = [
    [
      'nan',
      `${candleHeader}\n${good}\n${start + 1},1,2,1,nan,10`,
      /^file\.value: FILE, line 3, column "close": found "nan", expected a price above 0$/,
    ],
    [
      'infinite',
      `${candleHeader}\n${start},1,Infinity,1,2,10`,
      /line 2, column "high": found "Infinity"/,
    ],
    [
      'empty cell',
      `${candleHeader}\n${start},1,2,1,2,`,
      /column "volume": found "", expected a number of at least 0/,
    ],
    ['negative', `${candleHeader}\n${start},1,2,-1,2,3`, /column "low": found "-1"/],
    [
      'crossed',
      `${candleHeader}\n${start},1,2,1,3,3`,
      /column "high": found .*expected a high and a low that enclose/,
    ],
    [
      'time',
      `${candleHeader}\nyesterday,1,2,1,2,3`,
      /column "open_time": found "yesterday", expected an instant/,
    ],
    ['cells', `${candleHeader}\n${start},1,2,1,2`, /line 2: found 5 cells, expected 6/],
    [
      'unknown column',
      `${candleHeader},mood\n${good},3`,
      /^file\.column: .*unknown column "mood".* take it out/,
    ],
    ['twice', `${candleHeader},timestamp\n${good},${start}`, /"open_time" and "timestamp" both/],
    [
      'state',
      `${candleHeader},state\n${good},open`,
      /column "state": found "open", expected final, corrected, empty, missing$/,
    ],
    [
      'lacking',
      `open_time,open,high,low,close\n${good}`,
      /^file\.header: .*expected also a column for volume/,
    ],
    ['no header', `${good}\n${good}`, /^file\.header: FILE, line 1: found "1767225600000", "1"/],
    ['empty', '', /^file\.empty/],
    [
      'side',
      `time,price,size,side\n${start},1,1,up`,
      /column "side": found "up", expected buy or sell/,
    ],
  ]
  for (const [name, content, expected] of cases) {
    assert.match(await faultOf(await file(`${name}.csv`, content)), expected, name)
  }
  assert.match(await faultOf(join(folder, 'absent.csv')), /^file\.unreadable/)
  assert.match(await faultOf(folder), /^file\.folder: .*: found a folder, expected a file$/)
})

test('a known column that is of no use is passed over', async () => {
  const path = await file('extra.csv', `${candleHeader},symbol\n${start},1,2,1,2,10,BTC`)
  assert.equal((await barsIn(path)).length, 1)
})

test('a line of 2 GB is refused without being taken up', async () => {
  const first = await file('long.csv', candleHeader)
  const later = await file('long later.csv', `${candleHeader}\n${start},1,2,1,2,10\n`)
  for (const [path, line] of [
    [first, 1],
    [later, 3],
  ] as const) {
    await truncate(path, 2 ** 31)
    const before = process.memoryUsage().rss
    assert.match(
      await faultOf(path),
      new RegExp(`^file.line_too_long: FILE, line ${line}: found more than 65536`),
    )
    assert(process.memoryUsage().rss - before < 2 ** 27)
  }
})

test('a gzip stream that ends early or is damaged is told as that', async () => {
  const rows = Array.from({ length: 50_000 }, (_, i) => `${start + i * minuteMs},1,2,1,2,${i}`)
  const whole = gzipSync([candleHeader, ...rows].join('\n'))
  const cut = await file('cut.csv.gz', whole.subarray(0, whole.length / 2))
  assert.match(await faultOf(cut), /^file\.truncated/)
  const damaged = Buffer.from(whole)
  damaged.fill(0xff, 4000, 5000)
  assert.match(await faultOf(await file('damaged.csv.gz', damaged)), /^file\.corrupt/)
})

test('parquet gives what CSV gives, in its own types', async () => {
  const n = 100_000
  const column = (f: (i: number) => number): Float64Array =>
    Float64Array.from({ length: n }, (_, i) => f(i))
  const path = await file(
    'candles.parquet',
    new Uint8Array(
      parquetWriteBuffer({
        rowGroupSize: 30_000,
        columnData: [
          {
            name: 'timestamp',
            data: Array.from({ length: n }, (_, i) => new Date(start + i * minuteMs)),
            type: 'TIMESTAMP',
          },
          { name: 'open', data: column((i) => 10 + i), type: 'DOUBLE' },
          { name: 'high', data: column((i) => 12 + i), type: 'DOUBLE' },
          { name: 'low', data: column((i) => 9 + i), type: 'DOUBLE' },
          { name: 'close', data: column((i) => 11 + i), type: 'DOUBLE' },
          { name: 'volume', data: column((i) => i + 0.5), type: 'DOUBLE' },
          {
            name: 'count',
            data: BigInt64Array.from({ length: n }, (_, i) => BigInt(i)),
            type: 'INT64',
          },
        ],
      }),
    ),
  )
  const pages = await barsIn(path)
  assert.equal(
    pages.reduce((sum, page) => sum + page.length, 0),
    n,
  )
  const last = pages.at(-1) as Bars
  assert.equal(last.openAt.at(-1), start + (n - 1) * minuteMs)
  assert.equal(last.trades.at(-1), n - 1)
  assert.equal(last.close.at(-1), n + 10)
})

test('parquet trades, their faults by row, and what is no Parquet', async () => {
  const write = (prices: number[]): Uint8Array =>
    new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: 'time', data: prices.map((_, i) => BigInt(start + i)), type: 'INT64' },
          { name: 'price', data: prices, type: 'DOUBLE' },
          { name: 'size', data: prices.map(() => 1), type: 'DOUBLE' },
          { name: 'side', data: prices.map((_, i) => (i % 2 ? 'sell' : 'buy')), type: 'STRING' },
        ],
      }),
    )
  const trades = await tradesIn(await file('trades.parquet', write([1, 2, 3])))
  assert.deepEqual([...trades.price], [1, 2, 3])
  assert.deepEqual([...trades.side], [1, -1, 1])
  assert.match(
    await faultOf(await file('bad.parquet', write([1, Number.NaN, 3]))),
    /^file\.value: FILE, row 2, column "price": found NaN, expected a price above 0/,
  )
  assert.match(
    await faultOf(await file('cut.parquet', write([1, 2]).subarray(0, 50))),
    /^file\.corrupt/,
  )
})

const real = join(import.meta.dirname, '../../../../shared/data/BTCUSD-2019H1.csv.gz')

test('half a year of real candles is read', {
  skip: !existsSync(real) && `${real} is not here`,
}, async () => {
  const pages = await barsIn(real)
  const rows = pages.reduce((sum, page) => sum + page.length, 0)
  assert.equal(rows, 253_338)
  assert.equal((pages[0] as Bars).close[0], 3833.1)
})
