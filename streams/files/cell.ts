/** One value of a file, read or refused: NaN, Infinity and emptiness stop here. `undefined` is the refusal. */
import type { Millis } from '../time.ts'

export type CellValue = string | number | bigint | boolean | Date | null | undefined

export function numberIn(value: CellValue): number | undefined {
  const number = typeof value === 'string' ? numberInText(value) : Number(value ?? Number.NaN)
  return Number.isFinite(number) ? number : undefined
}

/** `Number` takes an empty text for 0. */
function numberInText(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text)
}

/**
 * An instant from a number or an ISO text, whole milliseconds. A number's unit follows from its size: seconds reach 1e11 in
 * the year 5138, milliseconds were there in 1973. Texts without a zone are UTC.
 */
export function instantIn(value: CellValue): Millis | undefined {
  if (value instanceof Date) return wholeMillis(value.getTime())
  const number = numberIn(value)
  if (number !== undefined) return wholeMillis(number * msPerUnit(number))
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  const match =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?\s*(Z|UTC|[+-]\d\d:?\d\d)?$/.exec(
      text,
    )
  if (match === null) return undefined
  const [, day, time = '00:00:00', zone = 'Z'] = match
  return wholeMillis(Date.parse(`${day}T${time}${zone === 'UTC' ? 'Z' : zone}`))
}

function msPerUnit(size: number): number {
  if (size >= 1e17) return 1e-6
  if (size >= 1e14) return 1e-3
  return size >= 1e11 ? 1 : 1000
}

/** Instants before 1971 are not of any market: a sequence number, or a unit we do not know. */
function wholeMillis(at: number): Millis | undefined {
  return at >= 31_536_000_000 ? Math.floor(at) : undefined
}

export type Side = -1 | 0 | 1

export function sideIn(value: CellValue): Side | undefined {
  switch (typeof value === 'string' ? value.trim().toLowerCase() : value) {
    case 'buy':
    case 'b':
    case '1':
    case 1:
      return 1
    case 'sell':
    case 's':
    case '-1':
    case -1:
      return -1
    case '':
    case '0':
    case 0:
    case null:
    case undefined:
      return 0
  }
  return undefined
}

/** Where the maker bought, the taker sold. */
export function sideOfTaker(isBuyerMaker: CellValue): Side | undefined {
  const text = String(isBuyerMaker).trim().toLowerCase()
  if (text === 'true' || text === '1') return -1
  return text === 'false' || text === '0' ? 1 : undefined
}

/** A whole number as it is, any other name as 52 bits of its hash (two rounds of FNV-1a over its characters). */
export function identityIn(value: CellValue): number | undefined {
  if (value === null || value === undefined || value === '') return undefined
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  const text = String(value)
  let low = 0x811c9dc5
  let high = 0x1b873593
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193)
    high = Math.imul(high ^ text.charCodeAt(i), 0x85ebca6b)
  }
  return (high >>> 12) * 4294967296 + (low >>> 0)
}
