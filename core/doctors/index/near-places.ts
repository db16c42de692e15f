/**
 * The nearest places seen so far, while a search goes on: by squared chord alone, with those that may be as near as the last one of which a
 * doctor is wanted.
 */
import { SQUARE_TOLERANCE } from "./exact.ts"
import { PLACE_DOCTORS_MAX } from "./page-layout.ts"

const FIRST_CAPACITY = 128
/** A longer run is moved by the processor's own copying. */
const SHORT = 32

export class NearPlaces {
  /** Those held, and behind them those that have come since they were last put in order: squares of the chords, … */
  squares = new Float64Array(FIRST_CAPACITY)
  /** … where in the pages the slot of the first doctor stands, … */
  firsts = new Int32Array(FIRST_CAPACITY)
  /** … and which of the doctors from there on are meant: the lowest bit is the first. */
  masks = new Int32Array(FIRST_CAPACITY)
  /** Places held, and their doctors. */
  size = 0
  doctors = 0
  #wanted = 0
  /** No place with a larger square belongs here. */
  bound = 0

  /** Of whatever will come, the places of the first `wanted` doctors. */
  start(wanted: number, bound: number): void {
    this.size = 0
    this.doctors = 0
    this.#wanted = wanted
    this.bound = bound
  }

  /** Forgets all, but not the bound. */
  clear(): void {
    this.size = 0
    this.doctors = 0
  }

  /** Makes room for so many newcomers behind those held. */
  reserve(newcomers: number): void {
    if (this.size + newcomers <= this.squares.length) return
    const capacity = Math.max(2 * this.squares.length, this.size + newcomers)
    const { squares, firsts, masks } = this
    this.squares = new Float64Array(capacity)
    this.firsts = new Int32Array(capacity)
    this.masks = new Int32Array(capacity)
    this.squares.set(squares)
    this.firsts.set(firsts)
    this.masks.set(masks)
  }

  /** Takes in the newcomers that stand behind those held, up to `end`. */
  takeIn(end: number): void {
    const { squares, firsts, masks } = this
    const wanted = this.#wanted
    let { size, doctors, bound } = this
    for (let next = size; next < end; next++) {
      const square = squares[next] as number
      if (square > bound) continue
      const first = firsts[next] as number
      const mask = masks[next] as number
      let at = size++
      if (at <= SHORT) {
        for (; at > 0 && (squares[at - 1] as number) > square; at--) {
          squares[at] = squares[at - 1] as number
          firsts[at] = firsts[at - 1] as number
          masks[at] = masks[at - 1] as number
        }
      } else {
        at = this.#makeRoom(square, at)
      }
      squares[at] = square
      firsts[at] = first
      masks[at] = mask
      doctors += bitsOf(mask)
      if (doctors < wanted) continue
      // The last one wanted is at the place `last`. Those go that are surely farther.
      let last = size - 1
      for (let before = doctors - bitsOf(masks[last] as number); before >= wanted; before -= bitsOf(masks[last] as number)) last--
      const farthest = (squares[last] as number) + SQUARE_TOLERANCE
      while ((squares[size - 1] as number) > farthest) doctors -= bitsOf(masks[--size] as number)
      if (farthest < bound) bound = farthest
    }
    this.size = size
    this.doctors = doctors
    this.bound = bound
  }

  /** Whether the squares alone order all of them. */
  areApart(): boolean {
    const { squares, size } = this
    for (let at = 1; at < size; at++) if ((squares[at] as number) - (squares[at - 1] as number) <= SQUARE_TOLERANCE) return false
    return true
  }

  /** Moves what is farther than the square one place on, of the first `size`. Returns where it belongs. */
  #makeRoom(square: number, size: number): number {
    const { squares, firsts, masks } = this
    const at = placeOf(squares, size, square)
    squares.copyWithin(at + 1, at, size)
    firsts.copyWithin(at + 1, at, size)
    masks.copyWithin(at + 1, at, size)
    return at
  }
}

/** The lowest so many bits, of up to all. */
export const lowBits = (count: number) => (count === PLACE_DOCTORS_MAX ? -1 : (1 << count) - 1)

/** How many bits of a word are set: sums of neighbouring bits, then of pairs, of fours, of bytes. */
export function bitsOf(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555)
  const fours = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333)
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
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
