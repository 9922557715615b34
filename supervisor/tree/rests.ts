/** Which nodes of a tree are paused or in quarantine, by path: few, and asked about for every version at every candle. */
import type { Rest } from './spec.ts'

export class Rests {
  readonly #byPath = new Map<string, Rest>()

  /** How the node there stands from now on. */
  note(path: string, rest: Rest | undefined): void {
    if (rest === undefined) this.#byPath.delete(path)
    else this.#byPath.set(path, rest)
  }

  /** The node there is gone, and all below it. */
  forget(path: string): void {
    for (const resting of this.#byPath.keys())
      if (`${resting}/`.startsWith(`${path}/`)) this.#byPath.delete(resting)
  }

  /** Of the node there, or else of what it stands under: the nearest counts. */
  at(path: string): Rest | undefined {
    if (this.#byPath.size === 0) return undefined
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      const rest = this.#byPath.get(path.slice(0, end))
      if (rest !== undefined) return rest
    }
    return undefined
  }
}
