/** A page of a long list, and the cursor that asks for the next one: opaque outside, the last key inside. */
import { Fault } from '../../../streams/fault.ts'
import type { Millis } from '../../../streams/time.ts'

export interface Page<T> {
  readonly items: readonly T[]
  /** Opaque; null when there is no more. */
  readonly next: string | null
}

export interface PageQuery {
  readonly from?: Millis | undefined
  readonly to?: Millis | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

function writeCursor(key: readonly (number | string)[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url')
}

/** `kinds` says what the key is made of: a cursor of another list, or of nobody's making, is refused. */
export function readCursor<K extends readonly (number | string)[]>(
  text: string | undefined,
  kinds: { readonly [I in keyof K]: 'number' | 'string' },
): K | undefined {
  if (text === undefined) return undefined
  const key = parse(text)
  const fits =
    Array.isArray(key) &&
    key.length === kinds.length &&
    key.every((it, i) => typeof it === kinds[i] && (typeof it === 'string' || Number.isFinite(it)))
  if (!fits) throw new Fault('query.cursor', 'this cursor does not belong to this list')
  return key as unknown as K
}

/** One row more than the limit was asked for: it says that there is a next page. */
export function pageOf<R, T>(
  rows: readonly R[],
  limit: number,
  read: (row: R) => T,
  keyOf: (row: R) => readonly (number | string)[],
): Page<T> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    items: shown.map(read),
    next: rows.length > limit && last ? writeCursor(keyOf(last)) : null,
  }
}

/** The same of a list that is at hand as a whole: in ascending order of its keys, each of which is another. */
export function pageWithin<T, K extends readonly (number | string)[]>(
  all: readonly T[],
  { limit, cursor }: Pick<PageQuery, 'limit' | 'cursor'>,
  keyOf: (row: T) => K,
  kinds: { readonly [I in keyof K]: 'number' | 'string' },
): Page<T> {
  const after = readCursor<K>(cursor, kinds)
  const rows = all
    .map((row) => ({ row, key: keyOf(row) }))
    .filter(({ key }) => after === undefined || compare(key, after) > 0)
    .sort((a, b) => compare(a.key, b.key))
  return pageOf(
    rows,
    limit,
    ({ row }) => row,
    ({ key }) => key,
  )
}

function compare(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  const i = a.findIndex((part, at) => part !== b[at])
  if (i < 0) return 0
  return (a[i] as number | string) < (b[i] as number | string) ? -1 : 1
}

function parse(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch (cause) {
    throw new Fault('query.cursor', 'this cursor does not belong to this list', { cause })
  }
}
