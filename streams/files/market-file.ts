/**
 * Candles or trades from a file: CSV, gzipped CSV or Parquet, told apart by their first bytes, in the order that the file
 * has them. What is wrong with a file is a Fault that names file, line, column, what was found and what was expected.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Candle } from '../candles/candle.ts'
import { candleOf } from '../candles/fold.ts'
import type { Coin } from '../coin.ts'
import type { Millis } from '../time.ts'
import type { Trades } from '../trade.ts'
import { CsvRow, readCsv, unreadable } from './csv.ts'
import { Grid } from './grid.ts'
import { type Layout, layoutOf } from './layout.ts'
import { BarPage, type Bars, isPadding, TradePage } from './pages.ts'
import { openParquet, ParquetRow } from './parquet.ts'

type FileFormat = 'csv' | 'csv.gz' | 'parquet'

export type MarketFile = {
  readonly path: string
} & (
  | { readonly kind: 'candles'; pages(): AsyncIterable<Bars> }
  | { readonly kind: 'trades'; pages(): AsyncIterable<Trades> }
)

interface FileOptions {
  /** Candles of another interval are refused: an unaligned one where it is read, too coarse ones after the last. */
  readonly intervalMs?: Millis
  /** Candles that are said to be another coin's are refused. */
  readonly coin?: Coin
}

export const pageRows = 16_384

export async function openMarketFile(
  path: string,
  { intervalMs, coin }: FileOptions = {},
): Promise<MarketFile> {
  const format = await formatOf(path)
  const layout = layoutOf(await headerOf(path, format), path)
  switch (layout.kind) {
    case 'candles':
      return {
        kind: 'candles',
        path,
        async *pages() {
          const grid = intervalMs === undefined ? undefined : new Grid(intervalMs, path)
          yield* pagesOf(path, format, layout, new BarPage(layout, path, pageRows, grid, coin))
          grid?.end()
        },
      }
    case 'trades':
      return {
        kind: 'trades',
        path,
        pages: () => pagesOf(path, format, layout, new TradePage(layout, path, pageRows)),
      }
  }
}

/** Padding is left out: those are minutes without a candle. */
export function candlesOf(bars: Bars, coin: Coin): readonly Candle[] {
  const candles: Candle[] = []
  for (let i = 0; i < bars.length; i++) {
    if (isPadding(bars, i)) continue
    const bar = {
      openAt: bars.openAt[i]!,
      open: bars.open[i]!,
      high: bars.high[i]!,
      low: bars.low[i]!,
      close: bars.close[i]!,
      volume: bars.volume[i]!,
      quoteVolume: bars.quoteVolume[i]!,
      takerBuyVolume: bars.takerBuyVolume[i]!,
      trades: bars.trades[i]!,
    }
    candles.push(candleOf(coin, bar, bars.revision[i]!))
  }
  return candles
}

/** The sha256 of a file's bytes, in hex. */
export async function contentHash(path: string): Promise<string> {
  const hash = createHash('sha256')
  try {
    for await (const piece of createReadStream(path)) hash.update(piece as Buffer)
  } catch (cause) {
    throw unreadable(path, cause)
  }
  return hash.digest('hex')
}

async function* pagesOf<P>(
  path: string,
  format: FileFormat,
  layout: Layout,
  page: {
    readonly isFull: boolean
    readonly length: number
    add(row: CsvRow | ParquetRow): void
    take(): P
  },
): AsyncGenerator<P> {
  const full: P[] = []
  const row = format === 'parquet' ? new ParquetRow() : new CsvRow()
  const take = (): void => {
    page.add(row)
    if (page.isFull) full.push(page.take())
  }
  for await (const _ of rowsOf(path, format, layout, row, take)) {
    while (full.length > 0) yield full.shift() as P
  }
  if (page.length > 0) yield page.take()
}

async function* rowsOf(
  path: string,
  format: FileFormat,
  layout: Layout,
  row: CsvRow | ParquetRow,
  take: () => void,
): AsyncGenerator<void> {
  if (row instanceof CsvRow) {
    yield* readCsv(path, format === 'csv.gz', row, take)
    return
  }
  const table = await openParquet(path)
  const columns = Object.values(layout.at).filter((column) => column !== undefined)
  yield* table.read(columns, row, take)
}

async function headerOf(path: string, format: FileFormat): Promise<readonly string[]> {
  if (format === 'parquet') return (await openParquet(path)).header
  const row = new CsvRow()
  const rows = readCsv(path, format === 'csv.gz', row, () => undefined)
  // A row that is refused further down is reported when it is read for its values.
  while (row.header.length === 0 && !(await rows.next()).done);
  await rows.return(undefined)
  return row.header
}

async function formatOf(path: string): Promise<FileFormat> {
  try {
    const file = await open(path, 'r')
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
      if (bytesRead >= 2 && buffer[0] === 0x1f && buffer[1] === 0x8b) return 'csv.gz'
      return buffer.toString('latin1', 0, 4) === 'PAR1' ? 'parquet' : 'csv'
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw unreadable(path, cause)
  }
}
