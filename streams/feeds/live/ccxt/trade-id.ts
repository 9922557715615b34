/**
 * An exchange's name for a trade as a number that a double holds exactly: its own number where it has one, else 52 bits of
 * a hash of its name. The same name gives the same number in every process, so socket, REST and a restart agree.
 */

/** Ten thousand ids of one candle meet by chance once in 10⁸ candles: 52 bits are enough to tell the trades of a window apart. */
export function tradeId(name: string | undefined, otherwise: string): number {
  const text = name === undefined || name === '' ? otherwise : name
  return /^\d{1,15}$/.test(text) ? Number(text) : hash52(text)
}

/** Two 32-bit FNV-1a hashes over the code units, the second one salted, cut to 52 bits. */
function hash52(text: string): number {
  let low = 0x811c9dc5
  let high = 0x9747b28c
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    low = Math.imul(low ^ unit, 0x01000193)
    high = Math.imul(high ^ unit, 0x85ebca6b)
    high ^= high >>> 13
  }
  return ((high >>> 0) & 0xfffff) * 2 ** 32 + (low >>> 0)
}
