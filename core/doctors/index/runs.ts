/**
 * Puts those who are held in exact order, run by run: a run is of those whose chords are too near to tell, one behind the other. In steps,
 * for at one place there may be thousands.
 */
import { SQUARE_TOLERANCE } from "./exact.ts"
import type { Farthest } from "./farthest.ts"
import type { Pace } from "./pace.ts"

/** Marks a slot: the doctor is at the same place as the one before and has a later id, so that the two need not be compared. */
export const FOLLOWS = 1 << 31
export const SLOT_MASK = ~FOLLOWS

/** Slots, which may be marked, and the squares of their chords, in their order; of the first so many. */
type Held = { readonly slots: Int32Array; readonly squares: Float64Array; readonly size: number }

export class Runs {
  readonly #held: Held
  readonly #farthest: Farthest
  readonly #pace: Pace
  #wanted = 0
  /** All before are in exact order. From here to before `#end` is the run that is being put into it. */
  #from = 0
  #end = 0
  /** Of the run those before are to be offered yet. */
  #unoffered = 0

  constructor(held: Held, farthest: Farthest, pace: Pace) {
    this.#held = held
    this.#farthest = farthest
    this.#pace = pace
  }

  /** Of those held only the first `wanted` are of interest. */
  start(wanted: number): void {
    this.#wanted = wanted
    this.#from = 0
    this.#end = 0
  }

  begin(from: number, end: number): void {
    this.#from = from
    this.#end = end
    this.#unoffered = end
    this.#farthest.keep(Math.min(end, this.#wanted) - from)
  }

  /** The run is in `#farthest` then, as far as it is wanted: true; or it has to pause: false. From the end, so that few need rise. */
  offer(): boolean {
    const { slots, squares } = this.#held
    while (this.#unoffered > this.#from) {
      const at = --this.#unoffered
      this.#farthest.offer((slots[at] as number) & SLOT_MASK, squares[at] as number)
      if (this.#pace.isOver()) return false
    }
    return true
  }

  /** Puts them back, the last one first: true; or it has to pause: false. */
  takeBack(): boolean {
    const { slots, squares } = this.#held
    const farthest = this.#farthest
    while (farthest.size > 0) {
      const at = this.#from + farthest.size - 1
      slots[at] = farthest.slot
      squares[at] = farthest.square
      farthest.drop()
      if (this.#pace.isOver()) return false
    }
    this.#from = this.#end
    return true
  }

  /** All that are not in order yet: true; or it has to pause: false. */
  order(): boolean {
    for (;;) {
      if (this.#from < this.#end && !(this.offer() && this.takeBack())) return false
      if (!this.#beginNext()) return true
    }
  }

  /** False if no other run is out of order. */
  #beginNext(): boolean {
    const { slots, squares, size } = this.#held
    for (let from = this.#from; from < size; ) {
      let to = from + 1
      let isInOrder = true
      while (to < size && (squares[to] as number) - (squares[to - 1] as number) <= SQUARE_TOLERANCE) {
        if ((slots[to] as number) >= 0) isInOrder = false
        to++
      }
      if (!isInOrder) {
        this.begin(from, to)
        return true
      }
      from = to
    }
    return false
  }
}
