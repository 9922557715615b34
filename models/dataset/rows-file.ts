/** `rows.parquet`, written in groups of rows as they come; a group is all that is ever in memory. */
import type { SchemaElement } from 'hyparquet'
import { fileWriter, ParquetWriter } from 'hyparquet-writer'
import { diskFull } from '../../streams/disk-full.ts'
import { Fault } from '../../streams/fault.ts'
import { leadingColumns } from './manifest.ts'

/** Rows at once. A group of 100 columns is 13 MB. */
export const groupRows = 32_768

/** One group under construction: columns of `groupRows`, of which the first `length` are filled. */
export class RowGroup {
  length = 0
  readonly openAt = new BigInt64Array(groupRows)
  readonly close = new Float64Array(groupRows)
  readonly flaw = new Int32Array(groupRows)
  readonly change = new Float64Array(groupRows)
  readonly target = new Float64Array(groupRows)
  readonly naive = new Float64Array(groupRows)
  readonly features: readonly Float32Array[]

  constructor(columns: number) {
    this.features = Array.from({ length: columns }, () => new Float32Array(groupRows))
  }
}

export class RowsFile {
  readonly #writer: ParquetWriter
  readonly #names: readonly string[]

  constructor(path: string, columns: readonly string[]) {
    this.#names = [...leadingColumns, ...columns]
    this.#writer = told(
      () =>
        new ParquetWriter({
          writer: fileWriter(path),
          schema: schemaOf(columns),
          // Prices and ratios hardly compress, and reading is what is done often.
          codec: 'UNCOMPRESSED',
          statistics: false,
        }),
    )
  }

  write({ length, openAt, close, flaw, change, target, naive, features }: RowGroup): void {
    const columns = [openAt, close, flaw, change, target, naive, ...features]
    const columnData = columns.map((data, i) => ({
      name: this.#names[i] as string,
      data: data.subarray(0, length),
    }))
    told(() => this.#writer.write({ columnData, rowGroupSize: length, dictionarySize: 0 }))
  }

  finish(): void {
    told(() => this.#writer.finish())
  }
}

function schemaOf(columns: readonly string[]): SchemaElement[] {
  const element = (name: string, type: 'INT64' | 'INT32' | 'DOUBLE' | 'FLOAT'): SchemaElement => ({
    name,
    type,
    repetition_type: 'REQUIRED',
  })
  const types = { open_at: 'INT64', flaw: 'INT32' } as const
  return [
    { name: 'root', num_children: leadingColumns.length + columns.length },
    ...leadingColumns.map((name) =>
      element(name, name === 'open_at' || name === 'flaw' ? types[name] : 'DOUBLE'),
    ),
    ...columns.map((name) => element(name, 'FLOAT')),
  ]
}

/** The writer is synchronous: what the disk says is thrown where it is told to write. */
function told<T>(act: () => T): T {
  try {
    return act()
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === undefined) throw cause
    const what = `rows.parquet: it cannot be written (${code})`
    throw diskFull(cause, 'rows.parquet') ?? new Fault('data.unwritten', what, { cause })
  }
}
