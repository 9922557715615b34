/** What a bench has begun, ended in the reverse order: what a test's own context does for tests. */
export class Ending {
  readonly #ends: (() => unknown)[] = []
  readonly after = (end: () => unknown): void => void this.#ends.push(end)

  async end(): Promise<void> {
    for (const end of this.#ends.toReversed()) await end()
  }
}
