/**
 * A market file from its oldest row to its newest. All of it is read once before anything is answered, so that a file that
 * is wrong further down costs nothing; one that is in order is then read again as it is, however large, and one that is not
 * is sorted in memory, up to a limit.
 */
import { TradeLog } from '../candles/trade-log.ts'
import { Fault } from '../fault.ts'
import { floorTo, iso, type Millis } from '../time.ts'
import { sliceTrades } from '../trade.ts'
import { type MarketFile, pageRows } from './market-file.ts'
import { type Bars, barColumns, barFields, isPadding } from './pages.ts'

/** 33 bytes a trade: 660 MB, for what was sorted and for a tape, which is whole in memory too. */
export const tradesMax = 20_000_000
/** 80 bytes a candle: 400 MB for the minutes of nine years and a half. */
const candlesMax = 5_000_000

type CandleFile = Extract<MarketFile, { kind: 'candles' }>
type TradeFile = Extract<MarketFile, { kind: 'trades' }>

/** Trades within one interval may still come in any order: they are folded together. */
export function inOrder(file: MarketFile, intervalMs: Millis): Promise<MarketFile> {
  switch (file.kind) {
    case 'candles':
      return candlesInOrder(file)
    case 'trades':
      return tradesInOrder(file, intervalMs)
  }
}

/** Padding is no candles: it may stand anywhere, and stays out of what is sorted. */
async function candlesInOrder(file: CandleFile): Promise<CandleFile> {
  const order = new Order()
  let rows = 0
  for await (const page of file.pages()) {
    const { length, openAt } = page
    rows += length
    for (let i = 0; i < length; i++) {
      if (isPadding(page, i)) continue
      if (openAt[i] === order.newest) throw repeated(file.path, order.newest)
      order.add(openAt[i]!)
    }
  }
  if (order.stray === undefined) return file
  if (rows > candlesMax) throw unsorted(file.path, order.stray, candlesMax)
  const bars = await joined(file.pages(), rows)
  const { openAt } = bars
  const sorted = Uint32Array.from(openAt.keys())
    .filter((row) => !isPadding(bars, row))
    .sort((a, b) => openAt[a]! - openAt[b]!)
  for (let k = 1; k < sorted.length; k++) {
    const at = openAt[sorted[k]!]!
    if (openAt[sorted[k - 1]!] === at) throw repeated(file.path, at)
  }
  return {
    ...file,
    async *pages() {
      for (let k = 0; k < sorted.length; k += pageRows) {
        yield picked(bars, sorted.subarray(k, k + pageRows))
      }
    },
  }
}

async function tradesInOrder(file: TradeFile, intervalMs: Millis): Promise<TradeFile> {
  const order = new Order()
  let rows = 0
  for await (const { length, at } of file.pages()) {
    rows += length
    for (let i = 0; i < length; i++) order.add(floorTo(at[i]!, intervalMs))
  }
  if (order.stray === undefined) return file
  if (rows > tradesMax) throw unsorted(file.path, order.stray, tradesMax)
  const log = new TradeLog()
  for await (const trades of file.pages()) log.put(trades)
  return {
    ...file,
    async *pages() {
      for (let from = 0; from < log.length; from += pageRows) {
        yield sliceTrades(log, from, Math.min(from + pageRows, log.length))
      }
    },
  }
}

class Order {
  newest: Millis = Number.NEGATIVE_INFINITY
  /** The first that comes after a newer one. */
  stray: Millis | undefined

  add(at: Millis): void {
    if (at >= this.newest) this.newest = at
    else this.stray ??= at
  }
}

async function joined(pages: AsyncIterable<Bars>, rows: number): Promise<Bars> {
  const columns = barColumns(() => new Float64Array(rows))
  let at = 0
  for await (const page of pages) {
    for (const field of barFields) columns[field].set(page[field], at)
    at += page.length
  }
  return { length: rows, ...columns }
}

function picked(bars: Bars, rows: Uint32Array): Bars {
  const columns = barColumns((field) => Float64Array.from(rows, (row) => bars[field][row]!))
  return { length: rows.length, ...columns }
}

export function repeated(path: string, at?: Millis): Fault {
  const opening = at === undefined ? 'of the same opening' : `that open at ${iso(at)}`
  return new Fault('file.repeated', `${path}: found two candles ${opening}, expected one of each`)
}

function unsorted(path: string, stray: Millis, rowsMax: number): Fault {
  return new Fault(
    'file.order',
    `${path}: found rows of ${iso(stray)} after newer ones, in more rows than the ${rowsMax} that are sorted here; expected ` +
      'the oldest first: sort it by its time, such as (head -1 FILE; tail -n +2 FILE | sort -t, -k1,1) > SORTED, or cut it',
  )
}
