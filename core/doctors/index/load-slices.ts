/** With what the driver does at the arrival of rows, the event loop is held for less than half of the 5 ms that requests may wait. */
const SLICE_MS = 1

/** Long work in slices, between which the event loop serves everyone else. */
export class Slices {
  #startedAt = performance.now()

  get isOver(): boolean {
    return performance.now() - this.#startedAt > SLICE_MS
  }

  /** Lets others go first, and begins the next slice. */
  async next(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.#startedAt = performance.now()
  }
}
