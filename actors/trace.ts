/**
 * One trace per closed candle of a coin, from its trades to the outcomes of what was said about it. The id follows from
 * the candle, so that everybody who meets the candle knows it without being told, and a replay gives the same.
 */
import { hash } from 'node:crypto'
import type { Coin } from '../streams/coin.ts'
import type { Millis } from '../streams/time.ts'

export function traceId(coin: Coin, openAt: Millis): string {
  return hash('sha256', `${coin} ${openAt}`, 'hex').slice(0, 32)
}
