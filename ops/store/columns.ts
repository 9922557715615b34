/**
 * Rows on their way to `unnest`, as PostgreSQL's own array literals, column by column. postgres.js quotes and escapes each
 * element of an array; for numbers a plain join does, at a third of the cost.
 */

/** NaN, which stands for unknown, becomes null. What neighbours share, as most columns do, is spelled once. */
export function numberColumn<T>(rows: readonly T[], pick: (row: T) => number | null): string {
  let text = ''
  let last: number | null = null
  let spelled = ',null'
  for (const row of rows) {
    const value = pick(row)
    if (value !== last) {
      last = value
      spelled = value === null || Number.isNaN(value) ? ',null' : `,${value}`
    }
    text += spelled
  }
  return `{${text.slice(1)}}`
}

export function booleanColumn<T>(rows: readonly T[], pick: (row: T) => boolean): string {
  return `{${rows.map((row) => (pick(row) ? 't' : 'f')).join(',')}}`
}

export function textColumn<T>(rows: readonly T[], pick: (row: T) => string | null): string {
  return `{${rows.map((row) => quoted(pick(row))).join(',')}}`
}

/** Bytes written as hexadecimal digits. */
export function hexColumn<T>(rows: readonly T[], pick: (row: T) => string): string {
  return `{${rows.map((row) => `"\\\\x${pick(row)}"`).join(',')}}`
}

/** An array in each row, as the literal that the row casts back. */
export function listLiteral(values: readonly string[] | Float64Array): string {
  if (values instanceof Float64Array) return `{${values.join(',')}}`
  return `{${values.map(quoted).join(',')}}`
}

function quoted(text: string | null): string {
  return text === null ? 'null' : `"${text.replace(/["\\]/g, '\\$&')}"`
}
