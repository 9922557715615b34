/** Logits to probabilities, row by row, in double precision: what is left of 1 is rounding of the last bit alone. */
export function softmaxRows(logits: Float32Array, width: number): Float32Array {
  const answer = new Float32Array(logits.length)
  for (let start = 0; start < logits.length; start += width) {
    let top = -Infinity
    for (let at = start; at < start + width; at += 1) top = Math.max(top, logits[at] as number)
    let sum = 0
    for (let at = start; at < start + width; at += 1) sum += Math.exp((logits[at] as number) - top)
    for (let at = start; at < start + width; at += 1)
      answer[at] = Math.exp((logits[at] as number) - top) / sum
  }
  return answer
}
