/** What a search looks at of each doctor, the doctors of a leaf in one run of memory. */
import { unitVector } from "./exact.ts"
import { Extents } from "./extents.ts"
import { giveBack, unzeroedBytes, unzeroedWords } from "./memory.ts"
import { FEE, LATITUDE, LONGITUDE } from "./record-layout.ts"
import type { Records } from "./records.ts"

/** A place is x, y, z. */
export const PLACE_REALS = 3
/**
 * Doctors of one place stand one after the other in the order of their ids, and the slots of all but the first are marked: the same place
 * as the entry before, and a later id. So a search need not compare them.
 */
export const FOLLOWS = 1 << 31
export const SLOT_MASK = ~FOLLOWS

/** Pages come in units of so many entries. */
export const UNIT_ENTRIES = 2
/** Pages lie in segments of 1 MiB, so that growing never copies. */
const SEGMENT_BITS = 14
export const SEGMENT_UNITS = 1 << SEGMENT_BITS
const SEGMENT_ENTRIES = SEGMENT_UNITS * UNIT_ENTRIES
export const segmentOf = (unit: number) => unit >>> SEGMENT_BITS
/** The entry at which a unit begins, in its segment. */
export const entryOf = (unit: number) => (unit & (SEGMENT_UNITS - 1)) * UNIT_ENTRIES

/** An entry's fee, slot and place stand in three columns: whoever only counts reads nothing but fees or places. */
export class Pages {
  readonly #records: Records
  readonly extents: Extents
  /** By segment. */
  readonly fees: Int32Array[] = []
  readonly slots: Int32Array[] = []
  readonly places: Float64Array[] = []
  /** The place of the doctor that was last located. */
  readonly vector = new Float64Array(PLACE_REALS)
  #latitude = Number.NaN
  #longitude = Number.NaN

  constructor(records: Records) {
    this.#records = records
    this.extents = new Extents((units) => this.#grow(units), SEGMENT_UNITS)
  }

  get bytes(): number {
    const columns = [this.fees, this.slots, this.places].flat()
    return columns.reduce((sum, column) => sum + column.byteLength, this.extents.bytes)
  }

  take(units: number): number {
    return this.extents.take(units)
  }

  give(unit: number, units: number): void {
    this.extents.give(unit, units)
  }

  slotAt(unit: number, index: number): number {
    return ((this.slots[segmentOf(unit)] as Int32Array)[entryOf(unit) + index] as number) & SLOT_MASK
  }

  /** Writes a doctor into a page of `count`: behind colleagues of the same place, who stand from `from` on, or at the end. There must be room. */
  insert(unit: number, count: number, slot: number, from = 0): void {
    this.locate(slot)
    const slots = this.slots[segmentOf(unit)] as Int32Array
    const first = entryOf(unit)
    let at = count
    let follows = 0
    for (let i = from; i < count; i++) {
      if (!this.#isHere(unit, i, slot)) continue
      const isEarlier = this.#records.idBefore(this.slotAt(unit, i), slot)
      at = isEarlier ? i + 1 : i
      follows = isEarlier ? FOLLOWS : 0
      if (isEarlier) continue
      // The colleague who was the first follows now; any other one does so already.
      follows = (slots[first + i] as number) & FOLLOWS
      slots[first + i] = (slots[first + i] as number) | FOLLOWS
      break
    }
    if (at < count) this.#move(unit, at, unit, at + 1, count - at)
    const places = this.places[segmentOf(unit)] as Float64Array
    for (let axis = 0; axis < PLACE_REALS; axis++) places[(first + at) * PLACE_REALS + axis] = this.vector[axis] as number
    slots[first + at] = slot | follows
    this.setFee(unit, at, this.#records.word(slot, FEE))
  }

  /** Takes the entry at `index` out of a page of `count`. */
  remove(unit: number, count: number, index: number): void {
    if (index + 1 === count) return
    const slots = this.slots[segmentOf(unit)] as Int32Array
    const at = entryOf(unit) + index
    // Whoever follows the first of a place becomes the first.
    if ((slots[at] as number) >= 0) slots[at + 1] = (slots[at + 1] as number) & SLOT_MASK
    this.#move(unit, index + 1, unit, index, count - index - 1)
  }

  setFee(unit: number, index: number, fee: number): void {
    ;(this.fees[segmentOf(unit)] as Int32Array)[entryOf(unit) + index] = fee
  }

  /** Copies a page to another one. */
  copy(from: number, to: number, count: number): void {
    this.#move(from, 0, to, 0, count)
  }

  /** Sets `vector`. Colleagues often come one after the other: their place is computed once. */
  locate(slot: number): void {
    const latitude = this.#records.real(slot, LATITUDE)
    const longitude = this.#records.real(slot, LONGITUDE)
    if (latitude === this.#latitude && longitude === this.#longitude) return
    this.#latitude = latitude
    this.#longitude = longitude
    unitVector(latitude, longitude, this.vector, 0)
  }

  /** Whether an entry has the very place of the located doctor: equal degrees, not only equal vectors. */
  #isHere(unit: number, index: number, slot: number): boolean {
    const places = this.places[segmentOf(unit)] as Float64Array
    const at = (entryOf(unit) + index) * PLACE_REALS
    if (places[at] !== this.vector[0] || places[at + 1] !== this.vector[1] || places[at + 2] !== this.vector[2]) return false
    const other = this.slotAt(unit, index)
    return (
      this.#records.real(other, LATITUDE) === this.#records.real(slot, LATITUDE) &&
      this.#records.real(other, LONGITUDE) === this.#records.real(slot, LONGITUDE)
    )
  }

  /** Copies so many entries, of one page to another or within one. */
  #move(fromUnit: number, from: number, toUnit: number, to: number, count: number): void {
    const source = entryOf(fromUnit) + from
    const target = entryOf(toUnit) + to
    const here = segmentOf(fromUnit)
    const there = segmentOf(toUnit)
    copyEntries(this.fees[here] as Int32Array, source, this.fees[there] as Int32Array, target, count)
    copyEntries(this.slots[here] as Int32Array, source, this.slots[there] as Int32Array, target, count)
    const places = this.places[there] as Float64Array
    copyEntries(this.places[here] as Float64Array, source * PLACE_REALS, places, target * PLACE_REALS, count * PLACE_REALS)
  }

  /** Gives all of them back, a segment in each step. */
  *release(): Generator<void, void> {
    for (const [segment, places] of this.places.entries()) {
      for (const column of [this.fees[segment] as Int32Array, this.slots[segment] as Int32Array, places]) giveBack(column)
      yield
    }
  }

  #grow(units: number): void {
    while (this.fees.length * SEGMENT_UNITS < units) {
      this.fees.push(unzeroedWords(SEGMENT_ENTRIES))
      this.slots.push(unzeroedWords(SEGMENT_ENTRIES))
      this.places.push(new Float64Array(unzeroedBytes(PLACE_REALS * SEGMENT_ENTRIES * Float64Array.BYTES_PER_ELEMENT)))
    }
  }
}

/** Within one column without a view of it: a load makes millions of such moves. */
function copyEntries<Column extends Int32Array | Float64Array>(from: Column, source: number, to: Column, target: number, count: number) {
  if (from === to) to.copyWithin(target, source, source + count)
  else to.set(from.subarray(source, source + count), target)
}
