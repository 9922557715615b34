/** One trained artifact of a family for a coin, immutable, numbered by its lane: `BTC-USDT/lightgbm@7`. */
import { type Coin, coinToPath } from '../streams/coin.ts'
import type { Millis } from '../streams/time.ts'

export interface Lane {
  readonly coin: Coin
  readonly family: string
}

export interface Version extends Lane {
  readonly version: number
}

export type Slot = 'v1' | 'v2' | 'v3'
export const slots: readonly Slot[] = ['v1', 'v2', 'v3']

/**
 * Which version holds a slot, from one candle's opening until another's. The history of these is what slots in the ledger
 * are looked up in.
 */
export interface Pointer extends Version {
  readonly slot: Slot
  readonly from: Millis
  readonly until: Millis | null
}

const familyName = /^[a-z][a-z0-9_]{0,39}$/

export function isFamilyName(text: string): boolean {
  return familyName.test(text)
}

export function laneName(lane: Lane): string {
  return `${coinToPath(lane.coin)}/${lane.family}`
}

export function versionName(version: Version): string {
  return `${laneName(version)}@${version.version}`
}
