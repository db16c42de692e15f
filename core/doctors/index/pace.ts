/** Steps between two looks at the clock: a look costs about as much as a small step. A power of two. */
const STEPS = 16

/** When a search has to pause. */
export class Pace {
  /** On the clock of `performance.now()`. */
  untilMs = Number.POSITIVE_INFINITY
  #steps = 0

  /** To be asked at each step. */
  isOver(): boolean {
    return (++this.#steps & (STEPS - 1)) === 0 && performance.now() >= this.untilMs
  }
}
