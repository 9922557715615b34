/** What cannot be a trade, whatever an exchange says: nothing absurd gets past this. */
import type { Millis } from '../../time.ts'

/** Bitcoin's first block: no market that Starling follows is older. */
const firstAt = Date.UTC(2009, 0, 3)
const absurd = 1e15

/** Why these numbers cannot be a trade, or undefined. `latest` is the latest instant that can be believed. */
export function refusal(
  at: Millis,
  price: number,
  size: number,
  latest: Millis,
): string | undefined {
  if (!(price > 0 && price < absurd)) return `price ${price}`
  if (!(size > 0 && size < absurd)) return `size ${size}`
  if (!(at >= firstAt)) return `time ${at}`
  if (at > latest) return `time ${at} lies ahead of ${latest}`
  return undefined
}
