/** Steps between two looks at the clock: a look costs about as much as a small step. */
const STEPS = 16

/** When a search has to pause. */
export class Pace {
  #untilMs = Number.POSITIVE_INFINITY
  #steps = 0

  /** Steps go on until about the time, on the clock of `performance.now()`. The first ones do not look at it. */
  start(untilMs: number): void {
    this.#untilMs = untilMs
    this.#steps = 0
  }

  /** To be asked at each step. */
  isOver(): boolean {
    if (++this.#steps < STEPS) return false
    this.#steps = 0
    return performance.now() >= this.#untilMs
  }

  /** Of a step that did more than one. */
  add(steps: number): void {
    this.#steps += steps
  }
}
