/** The newest life at each path, flat: asked about for every prediction that is about to be written. */
export class Lives {
  readonly #epochs = new Map<string, number>()

  begin(path: string, epoch: number): void {
    this.#epochs.set(path, epoch)
  }

  /** The node there is gone, and all below it. */
  forget(path: string): void {
    for (const known of this.#epochs.keys())
      if (`${known}/`.startsWith(`${path}/`)) this.#epochs.delete(known)
  }

  /** Of the life there, or the last one that was; undefined where none ever began. */
  epochAt(path: string): number | undefined {
    return this.#epochs.get(path)
  }
}
