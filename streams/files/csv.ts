/**
 * A CSV file, plain or gzipped, as rows. It is read in pieces and never whole; a line longer than 64 KiB ends the reading
 * before it is taken up, so a file that is one line of 2 GB costs no more memory than any other.
 */
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Fault } from '../fault.ts'
import type { CellValue } from './cell.ts'
import type { RowSource } from './row.ts'

const lineCharactersMax = 65_536
const pieceBytes = 262_144

/** One row at a time: the same object every time, with the cells of the line that is being read. */
export class CsvRow implements RowSource {
  header: readonly string[] = []
  cells: readonly string[] = []
  line = 0

  cell(column: number): CellValue {
    return this.cells[column]
  }

  place(): string {
    return `line ${this.line}`
  }

  nameOf(column: number): string {
    return this.header[column] ?? String(column)
  }
}

/**
 * Calls `row` for each line after the header, and gives control back after each piece of the file. The first yield comes
 * when the header is known.
 */
export async function* readCsv(
  path: string,
  isGzipped: boolean,
  row: CsvRow,
  take: () => void,
): AsyncGenerator<void> {
  let rest = ''
  let separator: string | undefined
  for await (const text of textOf(path, isGzipped)) {
    const piece = rest + text
    let from = 0
    for (let to = piece.indexOf('\n'); to !== -1; to = piece.indexOf('\n', from)) {
      separator = readLine(path, piece.slice(from, to), separator, row, take)
      from = to + 1
      if (row.line === 1) yield
    }
    rest = piece.slice(from)
    if (rest.length > lineCharactersMax) throw lineTooLong(path, row.line + 1)
    yield
  }
  if (rest !== '') {
    separator = readLine(path, rest, separator, row, take)
    yield
  }
  if (separator === undefined) {
    throw new Fault('file.empty', `${path}: found no line, expected a header and rows`)
  }
}

/** Gives what separates cells, which the header decides. */
function readLine(
  path: string,
  line: string,
  separator: string | undefined,
  row: CsvRow,
  take: () => void,
): string | undefined {
  row.line++
  if (line.length > lineCharactersMax) throw lineTooLong(path, row.line)
  const text = line.endsWith('\r') ? line.slice(0, -1) : line
  if (separator === undefined) {
    const found = text.includes(',') ? ',' : text.includes(';') ? ';' : '\t'
    row.header = cellsOf(text.replace('\u00ef\u00bb\u00bf', ''), found)
    return found
  }
  if (text === '') return separator
  row.cells = cellsOf(text, separator)
  if (row.cells.length !== row.header.length) {
    throw new Fault(
      'file.value',
      `${path}, line ${row.line}: found ${row.cells.length} cells, expected ${row.header.length} as in the header`,
    )
  }
  take()
  return separator
}

/** Quotes are taken off. A quoted cell that holds a separator gives a cell too many, and is refused for that. */
function cellsOf(text: string, separator: string): readonly string[] {
  const cells = text.split(separator)
  if (!text.includes('"')) return cells
  return cells.map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'))
}

/** Latin-1 keeps bytes apart whatever the encoding is, and the names and numbers read here are ASCII. */
async function* textOf(path: string, isGzipped: boolean): AsyncGenerator<string> {
  const file = createReadStream(path, { highWaterMark: pieceBytes })
  let bytes: Readable = file
  if (isGzipped) {
    const gunzip = createGunzip({ chunkSize: pieceBytes })
    file.once('error', (cause) => gunzip.destroy(cause))
    bytes = file.pipe(gunzip)
  }
  try {
    for await (const piece of bytes) yield (piece as Buffer).toString('latin1')
  } catch (cause) {
    throw unreadable(path, cause)
  } finally {
    file.destroy()
  }
}

export function unreadable(path: string, cause: unknown): Fault {
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  if (code === 'Z_BUF_ERROR') {
    const message = `${path}: found an end in the middle of the gzip stream, expected a whole one; was it copied to its end?`
    return new Fault('file.truncated', message, { cause })
  }
  if (code === 'EISDIR')
    return new Fault('file.folder', `${path}: found a folder, expected a file`, { cause })
  if (code.startsWith('Z_')) {
    const message = `${path}: found bytes that are not gzip (${code}), expected a gzipped file`
    return new Fault('file.corrupt', message, { cause })
  }
  const why = cause instanceof Error ? cause.message : String(cause)
  return new Fault('file.unreadable', `${path}: cannot be read: ${why}`, { cause })
}

function lineTooLong(path: string, line: number): Fault {
  return new Fault(
    'file.line_too_long',
    `${path}, line ${line}: found more than ${lineCharactersMax} characters without an end, expected rows of a table`,
  )
}
