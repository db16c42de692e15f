import type { Locator } from "./locator.ts"
import { LEAF_MAX, PLACE_DOCTORS_MAX, PLACE_REALS } from "./page-layout.ts"
import { FEE } from "./record-layout.ts"
import type { Records } from "./records.ts"

/** A page laid open, so that it can be changed: its columns as they are described there, each with room for a full one. */
export class PageDraft {
  readonly #records: Records
  readonly #locator: Locator
  places = 0
  doctors = 0
  readonly reals = new Float64Array(PLACE_REALS * LEAF_MAX)
  readonly slots = new Int32Array(LEAF_MAX)
  readonly fees = new Int32Array(LEAF_MAX)
  readonly starts = new Uint8Array(LEAF_MAX + 1)

  constructor(records: Records, locator: Locator) {
    this.#records = records
    this.#locator = locator
  }

  clear(): void {
    this.places = 0
    this.doctors = 0
  }

  /** Adds a doctor to colleagues of the same place, who stand from the place `from` on, or at a new place. There must be room. */
  add(slot: number, from = 0): void {
    this.#locator.locate(slot)
    let place = from
    while (place < this.places && !this.#hasRoomHere(place)) place++
    if (place === this.places) this.#addPlace()
    let at = this.starts[place + 1] as number
    while (at > (this.starts[place] as number) && this.#records.idBefore(slot, this.slots[at - 1] as number)) at--
    this.slots.copyWithin(at + 1, at, this.doctors)
    this.fees.copyWithin(at + 1, at, this.doctors)
    this.slots[at] = slot
    this.fees[at] = this.#records.word(slot, FEE)
    this.doctors++
    for (let i = place + 1; i <= this.places; i++) this.starts[i] = (this.starts[i] as number) + 1
  }

  /** Removes a doctor, and the place if nobody else is at it. */
  remove(slot: number): void {
    const at = this.slots.subarray(0, this.doctors).indexOf(slot)
    if (at < 0) throw new Error("a doctor is not in the leaf where its place is")
    let place = 0
    while ((this.starts[place + 1] as number) <= at) place++
    this.slots.copyWithin(at, at + 1, this.doctors)
    this.fees.copyWithin(at, at + 1, this.doctors)
    this.doctors--
    for (let i = place + 1; i <= this.places; i++) this.starts[i] = (this.starts[i] as number) - 1
    if (this.starts[place] === this.starts[place + 1]) this.#removePlace(place)
  }

  /** Whether a place is that of the located doctor, and not full. */
  #hasRoomHere(place: number): boolean {
    const first = this.starts[place] as number
    if ((this.starts[place + 1] as number) - first === PLACE_DOCTORS_MAX) return false
    return this.#locator.isHere(this.reals, place * PLACE_REALS, this.slots[first] as number)
  }

  #addPlace(): void {
    for (let axis = 0; axis < PLACE_REALS; axis++) this.reals[this.places * PLACE_REALS + axis] = this.#locator.vector[axis] as number
    this.places++
    this.starts[this.places] = this.doctors
  }

  #removePlace(place: number): void {
    this.reals.copyWithin(place * PLACE_REALS, (place + 1) * PLACE_REALS, this.places * PLACE_REALS)
    this.starts.copyWithin(place, place + 1, this.places + 1)
    this.places--
  }
}
