/**
 * The first so many of the doctors that are offered, in the exact order of an answer: by the doubles of haversineKm from a place, then by ids.
 * A heap with the last of them on top, so that of those who come later each is refused at one comparison.
 */
import { haversineKm } from "../search/haversine.ts"
import { LATITUDE, LONGITUDE } from "./record-layout.ts"
import type { Records } from "./records.ts"

const FIRST_CAPACITY = 64

export class Farthest {
  readonly #records: Records
  #latitude = 0
  #longitude = 0
  #kept = 0
  size = 0
  #slots = new Int32Array(FIRST_CAPACITY)
  #squares = new Float64Array(FIRST_CAPACITY)
  /** What orders them. To read it from the records at each comparison would be to wait for memory. */
  #kms = new Float64Array(FIRST_CAPACITY)
  #idStarts = new Float64Array(FIRST_CAPACITY)
  /** Where the last doctor was who was offered, and how far that is: many are of one place. */
  #lastLatitude = Number.NaN
  #lastLongitude = Number.NaN
  #lastKm = 0

  constructor(records: Records) {
    this.#records = records
  }

  /** Distances are from this place. */
  lookFrom(latitude: number, longitude: number): void {
    this.#latitude = latitude
    this.#longitude = longitude
    this.#lastLatitude = Number.NaN
  }

  /** Forgets all, and keeps so many of whoever will be offered. */
  keep(count: number): void {
    this.#kept = count
    this.size = 0
    if (count <= this.#slots.length) return
    const capacity = Math.max(2 * this.#slots.length, count)
    this.#slots = new Int32Array(capacity)
    this.#squares = new Float64Array(capacity)
    this.#kms = new Float64Array(capacity)
    this.#idStarts = new Float64Array(capacity)
  }

  /** Of the last one. */
  get slot(): number {
    return this.#slots[0] as number
  }

  /** Of the last one: the square of the chord. */
  get square(): number {
    return this.#squares[0] as number
  }

  /** Takes in a doctor, and lets the last one go if they are too many. False if that is the doctor: all is as before. */
  offer(slot: number, square: number): boolean {
    const km = this.#kmTo(slot)
    if (this.size < this.#kept) {
      this.#rise(this.size++, slot, square, km, this.#records.idStart(slot))
      return true
    }
    if (km > (this.#kms[0] as number)) return false
    const idStart = this.#records.idStart(slot)
    if (!this.#comesBefore(km, idStart, slot, 0)) return false
    this.#sink(slot, square, km, idStart)
    return true
  }

  /** Lets the last one go. */
  drop(): void {
    const last = --this.size
    this.#sink(this.#slots[last] as number, this.#squares[last] as number, this.#kms[last] as number, this.#idStarts[last] as number)
  }

  /** Puts a doctor at a free place, or above it where others come before. */
  #rise(at: number, slot: number, square: number, km: number, idStart: number): void {
    let place = at
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (this.#comesBefore(km, idStart, slot, parent)) break
      this.#move(parent, place)
      place = parent
    }
    this.#put(place, slot, square, km, idStart)
  }

  /** Puts a doctor at the top, or below where others come after. */
  #sink(slot: number, square: number, km: number, idStart: number): void {
    const size = this.size
    let place = 0
    for (let child = 1; child < size; child = 2 * place + 1) {
      if (child + 1 < size && this.#isBefore(child, child + 1)) child++
      if (!this.#comesBefore(km, idStart, slot, child)) break
      this.#move(child, place)
      place = child
    }
    this.#put(place, slot, square, km, idStart)
  }

  #isBefore(place1: number, place2: number): boolean {
    return this.#comesBefore(this.#kms[place1] as number, this.#idStarts[place1] as number, this.#slots[place1] as number, place2)
  }

  #comesBefore(km: number, idStart: number, slot: number, place: number): boolean {
    const otherKm = this.#kms[place] as number
    if (km !== otherKm) return km < otherKm
    const otherStart = this.#idStarts[place] as number
    return idStart === otherStart ? this.#records.idBefore(slot, this.#slots[place] as number) : idStart < otherStart
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#slots[from] as number, this.#squares[from] as number, this.#kms[from] as number, this.#idStarts[from] as number)
  }

  #put(place: number, slot: number, square: number, km: number, idStart: number): void {
    this.#slots[place] = slot
    this.#squares[place] = square
    this.#kms[place] = km
    this.#idStarts[place] = idStart
  }

  #kmTo(slot: number): number {
    const latitude = this.#records.real(slot, LATITUDE)
    const longitude = this.#records.real(slot, LONGITUDE)
    if (latitude !== this.#lastLatitude || longitude !== this.#lastLongitude) {
      this.#lastLatitude = latitude
      this.#lastLongitude = longitude
      this.#lastKm = haversineKm(this.#latitude, this.#longitude, latitude, longitude)
    }
    return this.#lastKm
  }
}
