/**
 * Counts by label that cost a map lookup each, handed on when somebody reads them. Incrementing prom-client's counter
 * costs ten times as much (it hashes its labels), and a backfill commits a hundred thousand predictions.
 */
export class Tally {
  readonly #counts = new Map<string, number>()

  /** None of the values holds a NUL. */
  add(values: readonly string[], count: number): void {
    const key = values.length === 1 ? (values[0] as string) : values.join('\0')
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count)
  }

  flush(to: (values: readonly string[], count: number) => void): void {
    for (const [key, count] of this.#counts) to(key.split('\0'), count)
    this.#counts.clear()
  }
}
