/** A row of a file while it is read, whatever the file's format, and how that which is wrong with it is told. */
import { Fault } from '../fault.ts'
import type { CellValue } from './cell.ts'

/** A row's cells by column, and what it is called in messages: `line 17`. */
export interface RowSource {
  cell(column: number): CellValue
  place(): string
  nameOf(column: number): string
}

export function refusal(
  where: string,
  row: RowSource,
  column: number,
  found: CellValue,
  expected: string,
  code: Fault['code'] = 'file.value',
): Fault {
  const shown = typeof found === 'string' ? `"${found.slice(0, 80)}"` : String(found)
  return new Fault(
    code,
    `${where}, ${row.place()}, column "${row.nameOf(column)}": found ${shown}, expected ${expected}`,
  )
}
