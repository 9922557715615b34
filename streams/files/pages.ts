/**
 * Rows of a file as pages of columns. Every value is checked here, once, whatever the file's format; a page that comes out
 * holds finite, positive prices and candles whose high and low enclose them.
 */
import { type CandleState, candleStates } from '../candles/candle.ts'
import { type Coin, coinFromPath } from '../coin.ts'
import { iso, type Millis } from '../time.ts'
import { type Trades, TradesBuilder } from '../trade.ts'
import { type CellValue, identityIn, instantIn, numberIn, sideIn, sideOfTaker } from './cell.ts'
import type { Grid } from './grid.ts'
import type { Layout } from './layout.ts'
import { type RowSource, refusal } from './row.ts'

export const barFields = [
  'openAt',
  'open',
  'high',
  'low',
  'close',
  'volume',
  'quoteVolume',
  'takerBuyVolume',
  'trades',
  'revision',
] as const
type BarField = (typeof barFields)[number]
const priceFields = ['open', 'high', 'low', 'close'] as const
type BarColumns = Readonly<Record<BarField, Float64Array>>

/**
 * Candles in columns; what the file does not tell is NaN. A volume of 0 means that nobody traded, one that is NaN that
 * nobody knows what was; where the file says so in words (`state`) there are no prices either.
 */
export interface Bars extends BarColumns {
  readonly length: number
}

/** Rows with prices at which nobody traded: what some sources write in the place of a minute without a candle. */
export function isPadding({ open, volume }: Bars, row: number): boolean {
  return volume[row] === 0 && !Number.isNaN(open[row])
}

export class BarPage {
  readonly #at: Extract<Layout, { kind: 'candles' }>['at']
  readonly #where: string
  readonly #rows: number
  readonly #grid: Grid | undefined
  readonly #asked: Coin | undefined
  #columns: BarColumns
  #length = 0
  #coin: CellValue

  /** Without a `grid` any interval will do, and without a coin that is `asked` for any of them. */
  constructor(
    layout: Extract<Layout, { kind: 'candles' }>,
    where: string,
    rows: number,
    grid: Grid | undefined,
    asked: Coin | undefined,
  ) {
    this.#at = layout.at
    this.#where = where
    this.#rows = rows
    this.#grid = grid
    this.#asked = asked
    this.#columns = barColumns(() => new Float64Array(rows))
  }

  get isFull(): boolean {
    return this.#length === this.#rows
  }

  get length(): number {
    return this.#length
  }

  add(row: RowSource): void {
    const at = this.#at
    const to = this.#columns
    const i = this.#length
    this.#requireOneCoin(row)
    const state = this.#state(row)
    if (state === 'empty' || state === 'missing') {
      for (const field of barFields) to[field][i] = state === 'empty' ? 0 : Number.NaN
      for (const field of priceFields) to[field][i] = Number.NaN
    } else {
      this.#prices(row, to, i)
      to.volume[i] = this.#amount(row, at.volume!)
      to.quoteVolume[i] = this.#amountOrUntold(row, at.quoteVolume)
      to.takerBuyVolume[i] = this.#amountOrUntold(row, at.takerBuyVolume)
      to.trades[i] = this.#amountOrUntold(row, at.trades)
    }
    const openAt = instant(this.#where, row, at.time!)
    this.#grid?.add(openAt, row, at.time!)
    to.openAt[i] = openAt
    to.revision[i] = at.revision === undefined ? 0 : this.#amount(row, at.revision)
    this.#length = i + 1
  }

  take(): Bars {
    const length = this.#length
    const columns = this.#columns
    this.#length = 0
    this.#columns = barColumns(() => new Float64Array(this.#rows))
    return { length, ...barColumns((field) => columns[field].subarray(0, length)) }
  }

  #prices(row: RowSource, to: BarColumns, i: number): void {
    const at = this.#at
    const open = this.#price(row, at.open!)
    const high = this.#price(row, at.high!)
    const low = this.#price(row, at.low!)
    const close = this.#price(row, at.close!)
    if (high < Math.max(open, close, low) || low > Math.min(open, close)) {
      const found = `open ${open}, high ${high}, low ${low}, close ${close}`
      throw refusal(this.#where, row, at.high!, found, 'a high and a low that enclose the rest')
    }
    to.open[i] = open
    to.high[i] = high
    to.low[i] = low
    to.close[i] = close
  }

  #state(row: RowSource): CandleState {
    const { state: column } = this.#at
    if (column === undefined) return 'final'
    const found = row.cell(column)
    const state = candleStates.find((it) => it === found)
    if (state) return state
    throw refusal(this.#where, row, column, found, candleStates.join(', '))
  }

  /** Two coins' candles are no history of one. A name that is no coin's here may mean the one that is asked for. */
  #requireOneCoin(row: RowSource): void {
    const { coin: column } = this.#at
    if (column === undefined) return
    const found = row.cell(column)
    if (this.#coin === undefined && this.#mayBeAsked(found)) this.#coin = found
    if (found === this.#coin) return
    const before = `${this.#coin} as in the rows before, one coin`
    const asked = `${this.#asked}, whose candles they are to be`
    throw refusal(this.#where, row, column, found, this.#coin === undefined ? asked : before)
  }

  #mayBeAsked(found: CellValue): boolean {
    const named = coinFromPath(String(found))
    return this.#asked === undefined || named === undefined || named === this.#asked
  }

  #price(row: RowSource, column: number): number {
    return positive(this.#where, row, column, 'a price above 0')
  }

  #amountOrUntold(row: RowSource, column: number | undefined): number {
    if (column === undefined) return Number.NaN
    const found = row.cell(column)
    return found === null || found === '' ? Number.NaN : this.#amount(row, column)
  }

  #amount(row: RowSource, column: number): number {
    const amount = numberIn(row.cell(column))
    if (amount !== undefined && amount >= 0) return amount
    throw refusal(this.#where, row, column, row.cell(column), 'a number of at least 0')
  }
}

export class TradePage {
  readonly #at: Extract<Layout, { kind: 'trades' }>['at']
  readonly #where: string
  readonly #rows: number
  readonly #trades: TradesBuilder
  #read = 0

  constructor(layout: Extract<Layout, { kind: 'trades' }>, where: string, rows: number) {
    this.#at = layout.at
    this.#where = where
    this.#rows = rows
    this.#trades = new TradesBuilder(rows)
  }

  get isFull(): boolean {
    return this.#trades.length === this.#rows
  }

  get length(): number {
    return this.#trades.length
  }

  add(row: RowSource): void {
    const at = this.#at
    const where = this.#where
    this.#read++
    const time: Millis = instant(where, row, at.time!)
    const price = positive(where, row, at.price!, 'a price above 0')
    const size = positive(where, row, at.size!, 'a size above 0')
    this.#trades.push(time, this.#identity(row), price, size, this.#side(row))
  }

  take(): Trades {
    return this.#trades.take()
  }

  /** Without names of their own, trades are known by their place in the file. */
  #identity(row: RowSource): number {
    const column = this.#at.id
    if (column === undefined) return this.#read
    const id = identityIn(row.cell(column))
    if (id !== undefined) return id
    throw refusal(this.#where, row, column, row.cell(column), 'the name of the trade')
  }

  #side(row: RowSource): number {
    const { side: column, makerSide } = this.#at
    if (column !== undefined) {
      const side = sideIn(row.cell(column))
      if (side !== undefined) return side
      throw refusal(this.#where, row, column, row.cell(column), 'buy or sell')
    }
    if (makerSide === undefined) return 0
    const side = sideOfTaker(row.cell(makerSide))
    if (side !== undefined) return side
    throw refusal(this.#where, row, makerSide, row.cell(makerSide), 'true or false')
  }
}

function positive(where: string, row: RowSource, column: number, expected: string): number {
  const number = numberIn(row.cell(column))
  if (number !== undefined && number > 0) return number
  throw refusal(where, row, column, row.cell(column), expected)
}

function instant(where: string, row: RowSource, column: number): Millis {
  const at = instantIn(row.cell(column))
  if (at !== undefined) return at
  const expected = `an instant: milliseconds, microseconds or seconds since 1970, or ${iso(1546300800000)}`
  throw refusal(where, row, column, row.cell(column), expected)
}

export function barColumns(column: (field: BarField) => Float64Array): BarColumns {
  return Object.fromEntries(barFields.map((field) => [field, column(field)])) as BarColumns
}
