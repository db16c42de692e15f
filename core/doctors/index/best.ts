/**
 * The nearest doctors seen so far. While a search goes on they are held by squared chord alone, with all who may be as near as the
 * last one wanted; at its end, those whose chords are too near to tell are put in exact order.
 */
import { haversineKm } from "../search/haversine.ts"
import { SQUARE_TOLERANCE } from "./exact.ts"
import { SLOT_MASK } from "./pages.ts"
import { LATITUDE, LONGITUDE } from "./record-layout.ts"
import type { Records } from "./records.ts"

const FIRST_CAPACITY = 128
/** A longer run is moved by the processor's own copying. */
const SHORT = 32

export class Best {
  readonly #records: Records
  /** Those held, and behind them those who have come since they were last put in order. One who is marked follows the one before. */
  slots = new Int32Array(FIRST_CAPACITY)
  squares = new Float64Array(FIRST_CAPACITY)
  size = 0
  #wanted = 0
  /** Nobody with a larger square belongs here. */
  bound = 0

  constructor(records: Records) {
    this.#records = records
  }

  start(wanted: number, bound: number): void {
    this.size = 0
    this.#wanted = wanted
    this.bound = bound
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
  }

  /** Puts all in the order of the doubles of haversineKm from a place, then of ids, and keeps those wanted. */
  finish(latitude: number, longitude: number): void {
    const { slots, squares } = this
    for (let from = 0; from < this.size; ) {
      let to = from + 1
      let isOneRun = true
      while (to < this.size && (squares[to] as number) - (squares[to - 1] as number) <= SQUARE_TOLERANCE) {
        if ((slots[to] as number) >= 0) isOneRun = false
        to++
      }
      if (!isOneRun) this.#sort(from, to, latitude, longitude)
      from = to
    }
    this.size = Math.min(this.size, this.#wanted)
    for (let i = 0; i < this.size; i++) slots[i] = (slots[i] as number) & SLOT_MASK
  }

  #sort(from: number, to: number, latitude: number, longitude: number): void {
    const tied = Array.from({ length: to - from }, (_, i) => ({
      slot: (this.slots[from + i] as number) & SLOT_MASK,
      square: this.squares[from + i] as number,
    }))
    tied.sort((a, b) => (this.#isBefore(a.slot, b.slot, latitude, longitude) ? -1 : 1))
    for (const [i, { slot, square }] of tied.entries()) {
      this.slots[from + i] = slot
      this.squares[from + i] = square
    }
  }

  #isBefore(slot1: number, slot2: number, latitude: number, longitude: number): boolean {
    const latitude1 = this.#records.real(slot1, LATITUDE)
    const longitude1 = this.#records.real(slot1, LONGITUDE)
    const latitude2 = this.#records.real(slot2, LATITUDE)
    const longitude2 = this.#records.real(slot2, LONGITUDE)
    if (latitude1 !== latitude2 || longitude1 !== longitude2) {
      const km1 = haversineKm(latitude, longitude, latitude1, longitude1)
      const km2 = haversineKm(latitude, longitude, latitude2, longitude2)
      if (km1 !== km2) return km1 < km2
    }
    return this.#records.idBefore(slot1, slot2)
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
