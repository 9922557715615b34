/** Who hears when an incarnation ends: each hearer once for every end, with the epoch that ended and why. */
import type { End } from '../../actors/actor.ts'

export interface Death {
  readonly path: string
  readonly epoch: number
  readonly end: End
}

export type Hear = (death: Death) => void

export class DeathWatch {
  readonly #byPath = new Map<string, Set<Hear>>()
  readonly #ofAll = new Set<Hear>()

  /** Returns the way to stop hearing. */
  watch(path: string, hear: Hear): () => void {
    const hearers = this.#byPath.get(path) ?? new Set()
    this.#byPath.set(path, hearers.add(hear))
    return () => {
      hearers.delete(hear)
      if (hearers.size === 0) this.#byPath.delete(path)
    }
  }

  watchAll(hear: Hear): () => void {
    this.#ofAll.add(hear)
    return () => void this.#ofAll.delete(hear)
  }

  tell(death: Death): void {
    for (const hear of this.#byPath.get(death.path) ?? []) hear(death)
    for (const hear of this.#ofAll) hear(death)
  }
}
