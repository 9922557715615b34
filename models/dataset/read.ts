/** A dataset folder, read again: its manifest, its rows in blocks for whoever judges, and its examples for whoever learns. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  asyncBufferFromFile,
  type FileMetaData,
  type ParquetRowRange,
  parquetMetadataAsync,
  parquetScan,
} from 'hyparquet'
import { Fault } from '../../streams/fault.ts'
import { type Millis, parseDuration } from '../../streams/time.ts'
import type { TimeRange } from '../training/request.ts'
import { fileFacts } from './file-facts.ts'
import { type DatasetManifest, parseDatasetManifest, reportFile } from './manifest.ts'
import { settle } from './place.ts'

/** Consecutive candles; what is unknown is NaN. Each block has arrays of its own. */
export interface RowBlockRead {
  readonly length: number
  readonly openAt: Float64Array
  readonly close: Float64Array
  /** Index in `flaws`: 0 where the row is an example. */
  readonly flaw: Int32Array
  /** Of the close over the horizon. */
  readonly change: Float64Array
  readonly target: Float64Array
  readonly naive: Float64Array
  /** Row-major, one for each of `columns`. */
  readonly values: Float32Array
}

export interface DatasetRows {
  readonly columns: readonly string[]
  readonly intervalMs: Millis
  readonly blocks: AsyncIterable<RowBlockRead>
}

/** Rows that may be learnt from, as one matrix. */
export interface Examples {
  readonly rows: number
  readonly openAt: Float64Array
  readonly target: Float64Array
  readonly change: Float64Array
  /** Row-major. */
  readonly values: Float32Array
}

export interface OpenDataset {
  readonly folder: string
  readonly manifest: DatasetManifest
  readonly intervalMs: Millis
  /** Every row of `[from, to)`, or of all. */
  readonly rows: (columns: readonly string[], range?: TimeRange) => DatasetRows
  /** Examples whose opening lies in one of the ranges; the newest `rowsMax` of them, in order. */
  readonly examples: (
    columns: readonly string[],
    ranges: readonly TimeRange[],
    rowsMax?: number,
  ) => Promise<Examples>
}

const blockRows = 16_384

export async function openDataset(folder: string): Promise<OpenDataset> {
  await settle(folder)
  const bytes = await readFile(join(folder, 'dataset.json')).catch((cause: unknown) => {
    if (!existsSync(join(folder, reportFile)))
      throw new Fault('dataset.missing', `${folder} holds no dataset.json`, { cause })
    const why = `${folder} holds no dataset: its checks did not hold, ${reportFile} says which`
    throw new Fault('dataset.refused', why, { cause })
  })
  const manifest = parseDatasetManifest(bytes)
  const file = await asyncBufferFromFile(join(folder, 'rows.parquet')).catch((cause: unknown) => {
    throw new Fault('dataset.missing', `${folder} holds no rows.parquet`, { cause })
  })
  const metadata = await parquetMetadataAsync(file).catch((cause: unknown) => {
    throw new Fault('dataset.corrupt', `${folder}: rows.parquet cannot be read`, { cause })
  })
  const intervalMs = parseDuration(manifest.interval) as Millis
  const from = Date.parse(manifest.from)
  const rows: OpenDataset['rows'] = (columns, range) => {
    for (const name of columns) {
      if (!manifest.columns.includes(name))
        throw new Fault('dataset.column', `the dataset has no column ${name}`)
    }
    // Rows are consecutive candles, so a time is a place.
    const place = (at: Millis): number =>
      Math.min(manifest.rows, Math.max(0, Math.ceil((at - from) / intervalMs)))
    const span = range ? [place(range[0]), place(range[1])] : [0, manifest.rows]
    const [rowStart, rowEnd] = span as [number, number]
    return { columns, intervalMs, blocks: blocks(file, metadata, columns, { rowStart, rowEnd }) }
  }
  return { folder, manifest, intervalMs, rows, examples: (...it) => examples(rows, ...it) }
}

/** Whether the files are those that the manifest names. */
export async function verifyDataset({ folder, manifest }: OpenDataset): Promise<void> {
  for (const [name, { bytes, sha256 }] of Object.entries(manifest.files)) {
    const found = await fileFacts(join(folder, name)).catch((cause: unknown) => {
      throw new Fault('dataset.missing', `${folder} holds no ${name}`, { cause })
    })
    if (found.bytes !== bytes || found.sha256 !== sha256)
      throw new Fault('dataset.hash', `${name} is not what dataset.json says`)
  }
}

type Parquet = Awaited<ReturnType<typeof asyncBufferFromFile>>

async function* blocks(
  file: Parquet,
  metadata: FileMetaData,
  columns: readonly string[],
  { rowStart: first, rowEnd: last }: ParquetRowRange,
): AsyncGenerator<RowBlockRead> {
  const leading = ['open_at', 'close', 'flaw', 'return', 'target', 'naive']
  const scan = await parquetScan({ file, metadata, columns: [...leading, ...columns] })
  for (const group of scan.ranges) {
    const to = Math.min(group.rowEnd, last)
    for (let rowStart = Math.max(group.rowStart, first); rowStart < to; rowStart += blockRows) {
      const rowEnd = Math.min(to, rowStart + blockRows)
      const read = async (column: string): Promise<ArrayLike<number | bigint>> =>
        (await scan.readColumn({ column, rowStart, rowEnd })) as ArrayLike<number | bigint>
      const numbers = async (column: string): Promise<Float64Array> =>
        Float64Array.from(await read(column), Number)
      const length = rowEnd - rowStart
      const values = new Float32Array(length * columns.length)
      for (const [c, name] of columns.entries()) {
        const column = await read(name)
        for (let i = 0; i < length; i++) values[i * columns.length + c] = column[i] as number
      }
      yield {
        length,
        openAt: await numbers('open_at'),
        close: await numbers('close'),
        flaw: Int32Array.from(await read('flaw'), Number),
        change: await numbers('return'),
        target: await numbers('target'),
        naive: await numbers('naive'),
        values,
      }
    }
  }
}

async function examples(
  rows: OpenDataset['rows'],
  columns: readonly string[],
  ranges: readonly TimeRange[],
  rowsMax = Number.POSITIVE_INFINITY,
): Promise<Examples> {
  const width = columns.length
  const parts: Examples[] = []
  for (const range of ranges) {
    for await (const block of rows(columns, range).blocks) {
      const kept: number[] = []
      for (let i = 0; i < block.length; i++) if (block.flaw[i] === 0) kept.push(i)
      const part = {
        rows: kept.length,
        openAt: new Float64Array(kept.length),
        target: new Float64Array(kept.length),
        change: new Float64Array(kept.length),
        values: new Float32Array(kept.length * width),
      }
      kept.forEach((i, at) => {
        part.openAt[at] = block.openAt[i] as number
        part.target[at] = block.target[i] as number
        part.change[at] = block.change[i] as number
        part.values.set(block.values.subarray(i * width, (i + 1) * width), at * width)
      })
      parts.push(part)
    }
  }
  const total = parts.reduce((sum, it) => sum + it.rows, 0)
  const skip = Math.max(0, total - rowsMax)
  const kept = total - skip
  const all = {
    rows: kept,
    openAt: new Float64Array(kept),
    target: new Float64Array(kept),
    change: new Float64Array(kept),
    values: new Float32Array(kept * width),
  }
  let at = -skip
  for (const part of parts) {
    const from = Math.min(part.rows, Math.max(0, -at))
    const to = Math.max(0, at)
    all.openAt.set(part.openAt.subarray(from), to)
    all.target.set(part.target.subarray(from), to)
    all.change.set(part.change.subarray(from), to)
    all.values.set(part.values.subarray(from * width), to * width)
    at += part.rows
  }
  return all
}
