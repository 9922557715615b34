/** Rows as people read them: columns under their names, numbers to the right, cut to the window where there is one. */
import { minuteText } from '../../streams/time.ts'

export interface Column<T> {
  readonly name: string
  readonly of: (row: T) => string | number | null | undefined
}

export function table<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  width?: number,
): string {
  const cells = rows.map((row) => columns.map((column) => text(column.of(row))))
  const isNumber = columns.map(
    (column) => rows.length > 0 && rows.every((row) => isNumeric(column.of(row))),
  )
  const widths = columns.map((column, i) =>
    Math.max(column.name.length, ...cells.map((row) => (row[i] as string).length)),
  )
  const line = (row: readonly string[]): string => {
    const padded = row.map((cell, i) =>
      isNumber[i] ? cell.padStart(widths[i] as number) : cell.padEnd(widths[i] as number),
    )
    const joined = padded.join('  ').trimEnd()
    return width !== undefined && joined.length > width ? `${joined.slice(0, width - 1)}…` : joined
  }
  return [line(columns.map((column) => column.name)), ...cells.map(line)].join('\n')
}

function isNumeric(value: unknown): boolean {
  return typeof value === 'number' || value === null || value === undefined
}

function text(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return '-'
  if (typeof value === 'string') return value
  return Number.isInteger(value) ? String(value) : value.toPrecision(4)
}

/** Names and values, one a line. */
export function listing(pairs: readonly (readonly [string, string | number | null])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length))
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${text(value)}`).join('\n')
}

export function minute(at: string | null): string | null {
  return at === null ? null : minuteText(at)
}
