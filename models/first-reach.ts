/** Where a series first reaches a level after a given place, asked for every place in turn: each answer in about log n steps. */

export class FirstReach {
  readonly #size: number
  /** A heap of maxima: node `i` holds the greater of `2i` and `2i + 1`, the values are its leaves. Unknown never reaches. */
  readonly #most: Float64Array

  constructor(values: Float64Array) {
    this.#size = 2 ** Math.ceil(Math.log2(Math.max(1, values.length)))
    this.#most = new Float64Array(2 * this.#size).fill(Number.NEGATIVE_INFINITY)
    values.forEach((it, i) => {
      if (!Number.isNaN(it)) this.#most[this.#size + i] = it
    })
    for (let i = this.#size - 1; i > 0; i--)
      this.#most[i] = Math.max(this.#most[2 * i] as number, this.#most[2 * i + 1] as number)
  }

  /** The first place from `from` on whose value is at least `level`; infinity where there is none. */
  at(from: number, level: number): number {
    if (from >= this.#size) return Number.POSITIVE_INFINITY
    let node = from + this.#size
    while (!((this.#most[node] as number) >= level)) {
      // Up to where there is something on the right, and over to it.
      while (node % 2 === 1) node = (node - 1) / 2
      if (node === 0) return Number.POSITIVE_INFINITY
      node++
    }
    while (node < this.#size) {
      node *= 2
      if (!((this.#most[node] as number) >= level)) node++
    }
    return node - this.#size
  }
}
