/**
 * The nearest doctors seen so far. While a search goes on they are held by squared chord alone, with all who may be as near as the
 * last one wanted; at its end, those whose chords are too near to tell are put in exact order.
 */
import { haversineKm } from "../search/haversine.ts"
import { SQUARE_TOLERANCE } from "./exact.ts"
import { LATITUDE, LONGITUDE } from "./record-layout.ts"
import type { Records } from "./records.ts"

const FIRST_CAPACITY = 128
/** A longer run is moved by the processor's own copying. */
const SHORT = 32

export class Best {
  readonly #records: Records
  slots = new Int32Array(FIRST_CAPACITY)
  squares = new Float64Array(FIRST_CAPACITY)
  #runs = new Int32Array(FIRST_CAPACITY)
  size = 0
  #wanted = 0

  constructor(records: Records) {
    this.#records = records
  }

  start(wanted: number): void {
    this.size = 0
    this.#wanted = wanted
  }

  /** Takes a doctor in; those of one run have one place, and come in the order of their ids. Returns the largest square with which another one may belong here, infinity while there is room. */
  add(square: number, slot: number, run: number): number {
    if (this.size === this.slots.length) this.#grow()
    const { slots, squares } = this
    const runs = this.#runs
    const end = this.size
    let at = end
    if (end <= SHORT) {
      for (; at > 0 && (squares[at - 1] as number) > square; at--) {
        squares[at] = squares[at - 1] as number
        slots[at] = slots[at - 1] as number
        runs[at] = runs[at - 1] as number
      }
    } else {
      at = this.#placeOf(square)
      squares.copyWithin(at + 1, at, end)
      slots.copyWithin(at + 1, at, end)
      runs.copyWithin(at + 1, at, end)
    }
    squares[at] = square
    slots[at] = slot
    runs[at] = run
    if (end + 1 < this.#wanted) {
      this.size = end + 1
      return Number.POSITIVE_INFINITY
    }
    return this.#cut(end + 1)
  }

  /** Lets those go that are surely farther than the last one wanted. */
  #cut(size: number): number {
    const bound = (this.squares[this.#wanted - 1] as number) + SQUARE_TOLERANCE
    let end = size
    while ((this.squares[end - 1] as number) > bound) end--
    this.size = end
    return bound
  }

  /** Behind all that are as near. */
  #placeOf(square: number): number {
    let low = 0
    let high = this.size
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.squares[middle] as number) > square) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Puts all in the order of the doubles of haversineKm from a place, then of ids, and keeps those wanted. */
  finish(latitude: number, longitude: number): void {
    const { squares } = this
    const runs = this.#runs
    for (let from = 0; from < this.size; ) {
      let to = from + 1
      let isOneRun = true
      while (to < this.size && (squares[to] as number) - (squares[to - 1] as number) <= SQUARE_TOLERANCE) {
        if (runs[to] !== runs[from]) isOneRun = false
        to++
      }
      if (!isOneRun) this.#sort(from, to, latitude, longitude)
      from = to
    }
    this.size = Math.min(this.size, this.#wanted)
  }

  #sort(from: number, to: number, latitude: number, longitude: number): void {
    const tied = Array.from({ length: to - from }, (_, i) => ({
      slot: this.slots[from + i] as number,
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

  #grow(): void {
    const [slots, squares, runs] = [this.slots, this.squares, this.#runs]
    this.slots = new Int32Array(slots.length * 2)
    this.squares = new Float64Array(slots.length * 2)
    this.#runs = new Int32Array(slots.length * 2)
    this.slots.set(slots)
    this.squares.set(squares)
    this.#runs.set(runs)
  }
}
