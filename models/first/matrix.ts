/**
 * Candle files to the matrix that the first versions were fitted on, through the same engine that serves them:
 * `node models/first/matrix.ts BTC/USD=btc.csv.gz ETH/USD=eth.csv.gz OUT`. One-minute candles with the columns open_time, open,
 * high, low, close, volume; a minute that is not in the file had no trades.
 */
import { createReadStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { setCandle } from '../../streams/features/columns.ts'
import { FeatureEngine } from '../../streams/features/engine.ts'
import { RowBlock } from '../../streams/features/rows.ts'
import { minuteMs } from '../../streams/time.ts'

type Bar = readonly [openAt: number, o: number, h: number, l: number, c: number, volume: number]

async function readBars(path: string): Promise<readonly Bar[]> {
  const bars: Bar[] = []
  const lines = createInterface({ input: createReadStream(path).pipe(createGunzip()) })
  for await (const line of lines) {
    const [openAt = Number.NaN, open = 0, high = 0, low = 0, close = 0, volume = 0] = line
      .split(',')
      .map(Number)
    if (!Number.isNaN(openAt)) bars.push([openAt, open, high, low, close, volume])
  }
  return bars
}

/** Rows for every minute, with the close carried over quiet ones, as little-endian files that numpy reads. */
async function writeMatrix(coin: string, path: string, out: string): Promise<void> {
  const bars = await readBars(path)
  const first = bars[0]?.[0] ?? 0
  const count = ((bars.at(-1)?.[0] ?? 0) - first) / minuteMs + 1
  const engine = new FeatureEngine(minuteMs)
  const { columns: features, hash } = engine.set
  const block = new RowBlock(features.length, count)
  const close = new Float64Array(count)
  const traded = new Uint8Array(count)
  for (let i = 0; i < count; i += 1) {
    setCandle(block.candles, i, { ...quiet, openAt: first + i * minuteMs })
  }
  for (const [openAt, open, high, low, c, volume] of bars) {
    const i = (openAt - first) / minuteMs
    setCandle(block.candles, i, {
      ...quiet,
      openAt,
      open,
      high,
      low,
      close: c,
      volume,
      state: 'final',
    })
    close[i] = c
    traded[i] = 1
  }
  for (let i = 1; i < count; i += 1) if (!traded[i]) close[i] = close[i - 1] as number
  engine.run(block.candles, 0, count, block, 0)

  const folder = join(out, coin.replace('/', '-'))
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'features.f32'), Float32Array.from(block.values))
  await writeFile(join(folder, 'close.f64'), close)
  await writeFile(join(folder, 'traded.u8'), traded)
  const names = features.map(({ name, warmup }) => ({ name, warmup }))
  await writeFile(
    join(folder, 'matrix.json'),
    JSON.stringify({ coin, from: first, rows: count, featureSet: hash, columns: names }),
  )
}

const quiet = {
  open: Number.NaN,
  high: Number.NaN,
  low: Number.NaN,
  close: Number.NaN,
  volume: 0,
  quoteVolume: Number.NaN,
  takerBuyVolume: Number.NaN,
  trades: Number.NaN,
  state: 'empty',
} as const

const files = process.argv.slice(2, -1)
const out = process.argv.at(-1) ?? 'matrix'
for (const file of files) {
  const [coin = '', path = ''] = file.split('=')
  await writeMatrix(coin, path, out)
}
