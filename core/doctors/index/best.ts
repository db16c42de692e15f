/**
 * The nearest doctors seen so far. While a search goes on their places are held by squared chord alone; at its end, those whose chords are too
 * near to tell are put in exact order. Where many may be as near, as at one place, the exact order decides at once: never are more held than
 * are wanted, and a few.
 */
import { SQUARE_TOLERANCE } from "./exact.ts"
import { Farthest } from "./farthest.ts"
import { NearPlaces } from "./near-places.ts"
import type { Pace } from "./pace.ts"
import { type Pages, segmentOfWord, wordInSegment } from "./pages.ts"
import type { Records } from "./records.ts"
import { FOLLOWS, Runs, SLOT_MASK } from "./runs.ts"

const FIRST_CAPACITY = 128
/** Held beyond those wanted before the exact order decides: more than a usual clinic has. */
const TIED_MAX = 128

export class Best {
  readonly #pages: Pages
  readonly #farthest: Farthest
  readonly #pace: Pace
  readonly #runs: Runs
  readonly places = new NearPlaces()
  /** Those wanted and the squares of their chords, when all is finished. While they are put in order one who is marked follows the one before. */
  slots = new Int32Array(FIRST_CAPACITY)
  squares = new Float64Array(FIRST_CAPACITY)
  size = 0
  #wanted = 0
  /** The doctors of the places held are in `slots`. */
  #isUnfolded = false
  /** Too many are as near: they are to be thinned before more are taken in. */
  isCrowded = false
  /** Those wanted are in `#farthest`, and no places are held. */
  #isExact = false

  constructor(pages: Pages, records: Records, pace: Pace) {
    this.#pages = pages
    this.#farthest = new Farthest(records)
    this.#pace = pace
    this.#runs = new Runs(this, this.#farthest, pace)
  }

  /** The first `wanted` of whoever will come, as seen from a place. */
  start(wanted: number, bound: number, latitude: number, longitude: number): void {
    this.places.start(wanted, bound)
    this.size = 0
    this.#wanted = wanted
    this.#isUnfolded = false
    this.isCrowded = false
    this.#isExact = false
    this.#runs.start(wanted)
    this.#farthest.lookFrom(latitude, longitude)
  }

  /** Takes in the newcomers that stand behind the places held, up to `end`. The doctors of each come in the order of their ids. */
  takeIn(end: number): void {
    if (this.#isExact) {
      this.#offer(end)
      return
    }
    this.places.takeIn(end)
    if (this.places.doctors <= this.#wanted + TIED_MAX) return
    this.isCrowded = true
    this.#unfold(0, this.places.doctors)
    this.#runs.begin(0, this.size)
  }

  #offer(end: number): void {
    const { squares, firsts, masks, bound } = this.places
    let taken = 0
    for (let next = 0; next < end; next++) {
      const square = squares[next] as number
      if (square > bound) continue
      const first = firsts[next] as number
      const words = this.#pages.words[segmentOfWord(first)] as Int32Array
      // Whoever follows one who comes too late comes too late.
      for (let mask = masks[next] as number, at = wordInSegment(first); mask !== 0; mask >>>= 1, at++) {
        if ((mask & 1) === 0) continue
        if (!this.#farthest.offer(words[at] as number, square)) break
        taken++
      }
    }
    this.#pace.add(taken)
    this.#tighten()
  }

  #tighten(): void {
    this.places.bound = Math.min(this.places.bound, this.#farthest.square + SQUARE_TOLERANCE)
  }

  /** Lets go, if too many are held, whoever is not wanted: true; or it has to pause: false. */
  thin(): boolean {
    if (!this.isCrowded) return true
    if (!this.#runs.offer()) return false
    this.isCrowded = false
    this.#isExact = true
    this.places.clear()
    this.#tighten()
    return true
  }

  /** Puts all in exact order, and keeps those wanted: true; or it has to pause: false. */
  finish(): boolean {
    if (!this.thin()) return false
    if (this.#isExact) {
      this.#reserve(this.#wanted)
      if (!this.#runs.takeBack()) return false
      this.size = this.#wanted
      return true
    }
    if (this.places.areApart()) this.#unfold(0, this.#wanted)
    else {
      if (!this.#isUnfolded) this.#unfold(FOLLOWS, this.places.doctors)
      if (!this.#runs.order()) return false
      for (let i = 0; i < this.size; i++) this.slots[i] = (this.slots[i] as number) & SLOT_MASK
    }
    this.size = Math.min(this.size, this.#wanted)
    return true
  }

  /** Finds the doctors of the places held, at least the first so many of them, and marks all but each one's first. */
  #unfold(mark: number, enough: number): void {
    this.#reserve(this.places.doctors)
    const { slots, squares } = this
    const { squares: placeSquares, firsts, masks, size } = this.places
    let doctors = 0
    for (let place = 0; place < size && doctors < enough; place++) {
      const square = placeSquares[place] as number
      const first = firsts[place] as number
      const words = this.#pages.words[segmentOfWord(first)] as Int32Array
      let follows = 0
      for (let mask = masks[place] as number, at = wordInSegment(first); mask !== 0; mask >>>= 1, at++) {
        if ((mask & 1) === 0) continue
        squares[doctors] = square
        slots[doctors++] = (words[at] as number) | follows
        follows = mark
      }
    }
    this.size = doctors
    this.#isUnfolded = true
  }

  #reserve(doctors: number): void {
    if (doctors <= this.slots.length) return
    const capacity = Math.max(2 * this.slots.length, doctors)
    this.slots = new Int32Array(capacity)
    this.squares = new Float64Array(capacity)
  }
}
