/** Versions at which doctors were taken out, so that older news of them do not bring them back. */

/** News come in order but for what a loader and a follower read at once: seconds of changes. */
const TOMBSTONES_MAX = 10_000

export class Tombstones {
  /** The oldest first. */
  readonly #versions = new Map<string, number>()

  /** −1 for one who was never taken out. */
  versionOf(id: string): number {
    return this.#versions.get(id) ?? -1
  }

  set(id: string, version: number): void {
    this.#versions.delete(id)
    this.#versions.set(id, version)
    if (this.#versions.size <= TOMBSTONES_MAX) return
    for (const oldest of this.#versions.keys()) {
      this.#versions.delete(oldest)
      return
    }
  }

  delete(id: string): void {
    this.#versions.delete(id)
  }
}
