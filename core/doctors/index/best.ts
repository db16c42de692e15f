/** The nearest doctors seen so far, in exact order: by the doubles of haversineKm, then by id. */
import { haversineKm } from "../search/haversine.ts"
import { SQUARE_TOLERANCE } from "./exact.ts"
import { LATITUDE, LONGITUDE, type Records } from "./records.ts"

const FIRST_CAPACITY = 128
/** Up to here a newcomer's place is found one by one from the end, where it mostly is; beyond, by halving. */
const SHORT = 32

export class Best {
  readonly #records: Records
  slots = new Int32Array(FIRST_CAPACITY)
  squares = new Float64Array(FIRST_CAPACITY)
  size = 0
  #wanted = 0
  #latitude = 0
  #longitude = 0

  constructor(records: Records) {
    this.#records = records
  }

  start(wanted: number, latitude: number, longitude: number): void {
    this.size = 0
    this.#wanted = wanted
    this.#latitude = latitude
    this.#longitude = longitude
    if (wanted <= this.slots.length) return
    this.slots = new Int32Array(wanted)
    this.squares = new Float64Array(wanted)
  }

  get isFull(): boolean {
    return this.size === this.#wanted
  }

  /** Takes the doctor in if it belongs here. */
  offer(square: number, slot: number): void {
    const { slots, squares } = this
    let at = this.size
    if (at < this.#wanted) this.size++
    else if (this.#isBefore(square, slot, --at)) {
      // The last one goes.
    } else return
    const place = at <= SHORT ? this.#nearEnd(square, slot, at) : this.#byHalving(square, slot, at)
    if (at - place > SHORT) {
      slots.copyWithin(place + 1, place, at)
      squares.copyWithin(place + 1, place, at)
    } else
      for (let i = at; i > place; i--) {
        slots[i] = slots[i - 1] as number
        squares[i] = squares[i - 1] as number
      }
    slots[place] = slot
    squares[place] = square
  }

  /** Whether a doctor comes before the one at a place. */
  #isBefore(square: number, slot: number, at: number): boolean {
    const other = this.squares[at] as number
    if (square < other - SQUARE_TOLERANCE) return true
    if (square > other + SQUARE_TOLERANCE) return false
    return this.#isExactlyBefore(slot, this.slots[at] as number)
  }

  #nearEnd(square: number, slot: number, from: number): number {
    let at = from
    while (at > 0 && this.#isBefore(square, slot, at - 1)) at--
    return at
  }

  #byHalving(square: number, slot: number, size: number): number {
    let [low, high] = [0, size]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#isBefore(square, slot, middle)) high = middle
      else low = middle + 1
    }
    return low
  }

  #isExactlyBefore(slot1: number, slot2: number): boolean {
    const latitude1 = this.#records.real(slot1, LATITUDE)
    const longitude1 = this.#records.real(slot1, LONGITUDE)
    const latitude2 = this.#records.real(slot2, LATITUDE)
    const longitude2 = this.#records.real(slot2, LONGITUDE)
    if (latitude1 !== latitude2 || longitude1 !== longitude2) {
      const km1 = haversineKm(this.#latitude, this.#longitude, latitude1, longitude1)
      const km2 = haversineKm(this.#latitude, this.#longitude, latitude2, longitude2)
      if (km1 !== km2) return km1 < km2
    }
    return this.#records.idBefore(slot1, slot2)
  }
}
