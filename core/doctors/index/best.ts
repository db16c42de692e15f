/**
 * The nearest doctors seen so far. While a search goes on they are held by squared chord alone, with those who may be as near as the last one
 * wanted; at its end, those whose chords are too near to tell are put in exact order. Where many may be as near, as at one place, the exact
 * order decides at once: never are more held than are wanted, and a few.
 */
import { SQUARE_TOLERANCE } from "./exact.ts"
import { Farthest } from "./farthest.ts"
import type { Pace } from "./pace.ts"
import { SLOT_MASK } from "./pages.ts"
import type { Records } from "./records.ts"
import { Runs } from "./runs.ts"

const FIRST_CAPACITY = 128
/** A longer run is moved by the processor's own copying. */
const SHORT = 32
/** Held beyond those wanted before the exact order decides: more than a usual clinic has. */
const TIED_MAX = 128

export class Best {
  readonly #farthest: Farthest
  readonly #pace: Pace
  readonly #runs: Runs
  /** Those held, and behind them those who have come since they were last put in order. One who is marked follows the one before. */
  slots = new Int32Array(FIRST_CAPACITY)
  squares = new Float64Array(FIRST_CAPACITY)
  size = 0
  #wanted = 0
  /** Nobody with a larger square belongs here. */
  bound = 0
  /** Too many are as near. */
  #isCrowded = false
  /** Those wanted are in `#farthest`, and nobody is held here. */
  #isExact = false

  constructor(records: Records, pace: Pace) {
    this.#farthest = new Farthest(records)
    this.#pace = pace
    this.#runs = new Runs(this, this.#farthest, pace)
  }

  /** The first `wanted` of whoever will come, as seen from a place. */
  start(wanted: number, bound: number, latitude: number, longitude: number): void {
    this.size = 0
    this.#wanted = wanted
    this.bound = bound
    this.#isCrowded = false
    this.#isExact = false
    this.#runs.start(wanted)
    this.#farthest.lookFrom(latitude, longitude)
  }

  /** Makes room for so many newcomers behind those held. */
  reserve(newcomers: number): void {
    if (this.size + newcomers <= this.slots.length) return
    const [slots, squares] = [this.slots, this.squares]
    const capacity = Math.max(2 * slots.length, this.size + newcomers)
    this.slots = new Int32Array(capacity)
    this.squares = new Float64Array(capacity)
    this.slots.set(slots)
    this.squares.set(squares)
  }

  /** Takes in the newcomers who stand behind those held, up to `end`. Doctors of one place come in the order of their ids. */
  takeIn(end: number): void {
    if (this.#isExact) this.#offer(end)
    else this.#insert(end)
  }

  #insert(end: number): void {
    const { slots, squares } = this
    const wanted = this.#wanted
    let { size, bound } = this
    for (let next = size; next < end; next++) {
      const square = squares[next] as number
      if (square > bound) continue
      const slot = slots[next] as number
      let at = size
      if (size <= SHORT) {
        for (; at > 0 && (squares[at - 1] as number) > square; at--) {
          squares[at] = squares[at - 1] as number
          slots[at] = slots[at - 1] as number
        }
      } else {
        at = placeOf(squares, size, square)
        squares.copyWithin(at + 1, at, size)
        slots.copyWithin(at + 1, at, size)
      }
      squares[at] = square
      slots[at] = slot
      size++
      if (size < wanted) continue
      // Those go who are surely farther than the last one wanted.
      bound = Math.min(bound, (squares[wanted - 1] as number) + SQUARE_TOLERANCE)
      while ((squares[size - 1] as number) > bound) size--
    }
    this.size = size
    this.bound = bound
    if (size <= wanted + TIED_MAX) return
    this.#isCrowded = true
    this.#runs.begin(0, size)
  }

  #offer(end: number): void {
    const { slots, squares, bound } = this
    let [isRefused, taken] = [false, 0]
    for (let next = 0; next < end; next++) {
      // Whoever follows one who comes too late comes too late.
      if (isRefused && (slots[next] as number) < 0) continue
      const square = squares[next] as number
      isRefused = square > bound || !this.#farthest.offer((slots[next] as number) & SLOT_MASK, square)
      if (!isRefused) taken++
    }
    this.#pace.add(taken)
    this.#tighten()
  }

  #tighten(): void {
    this.bound = Math.min(this.bound, this.#farthest.square + SQUARE_TOLERANCE)
  }

  /** Lets go, if too many are held, whoever is not wanted: true; or it has to pause: false. To be asked before more are taken in. */
  thin(): boolean {
    if (!this.#isCrowded) return true
    if (!this.#runs.offer()) return false
    this.#isCrowded = false
    this.#isExact = true
    this.size = 0
    this.#tighten()
    return true
  }

  /** Puts all in exact order, and keeps those wanted: true; or it has to pause: false. */
  finish(): boolean {
    if (!this.thin()) return false
    if (this.#isExact) {
      this.reserve(this.#wanted)
      if (!this.#runs.takeBack()) return false
      this.size = this.#wanted
      return true
    }
    if (!this.#runs.order()) return false
    this.size = Math.min(this.size, this.#wanted)
    for (let i = 0; i < this.size; i++) this.slots[i] = (this.slots[i] as number) & SLOT_MASK
    return true
  }
}

/** Behind all of the first `size` that are as near. */
function placeOf(squares: Float64Array, size: number, square: number): number {
  let low = 0
  let high = size
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((squares[middle] as number) > square) high = middle
    else low = middle + 1
  }
  return low
}
