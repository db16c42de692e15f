/** The pages of leaves: of each doctor what a search looks at, all of a leaf in one run of memory. */
import { unitVector } from "./exact.ts"
import { Extents } from "./extents.ts"
import { FEE, LATITUDE, LONGITUDE } from "./record-layout.ts"
import type { Records } from "./records.ts"

/**
 * An entry is x, y, z (float64), slot and fee (int32): half a line of the processor's cache. Doctors of one place stand one after the
 * other in the order of their ids, and the slots of all but the first are marked: so a search need not compare them.
 */
export const ENTRY_REALS = 4
export const ENTRY_WORDS = 8
export const SLOT_WORD = 6
export const FEE_WORD = 7
/** Of a slot's word: the same place as the entry before, and a later id. */
const FOLLOWS = 1 << 31
export const SLOT_MASK = ~FOLLOWS

/** Pages come in units of so many entries: a line of the cache. */
export const UNIT_ENTRIES = 2
/** Pages lie in segments of 1 MiB, so that growing never copies. */
const SEGMENT_BITS = 14
export const SEGMENT_UNITS = 1 << SEGMENT_BITS
const SEGMENT_ENTRIES = SEGMENT_UNITS * UNIT_ENTRIES
export const segmentOf = (unit: number) => unit >>> SEGMENT_BITS
/** The entry at which a unit begins, in its segment. */
export const entryOf = (unit: number) => (unit & (SEGMENT_UNITS - 1)) * UNIT_ENTRIES

export class Pages {
  readonly #records: Records
  readonly extents: Extents
  /** By segment, the same memory in two guises. */
  readonly reals: Float64Array[] = []
  readonly words: Int32Array[] = []
  /** The place of the doctor that was last located. */
  readonly vector = new Float64Array(3)
  #latitude = Number.NaN
  #longitude = Number.NaN

  constructor(records: Records) {
    this.#records = records
    this.extents = new Extents((units) => this.#grow(units), SEGMENT_UNITS)
  }

  get bytes(): number {
    return this.reals.reduce((sum, segment) => sum + segment.byteLength, this.extents.bytes)
  }

  take(units: number): number {
    return this.extents.take(units)
  }

  give(unit: number, units: number): void {
    this.extents.give(unit, units)
  }

  slotAt(unit: number, index: number): number {
    return ((this.words[segmentOf(unit)] as Int32Array)[(entryOf(unit) + index) * ENTRY_WORDS + SLOT_WORD] as number) & SLOT_MASK
  }

  /** Writes a doctor into a page of `count`: behind a colleague of the same place, or at the end. There must be room. */
  insert(unit: number, count: number, slot: number): void {
    this.locate(slot)
    const words = this.words[segmentOf(unit)] as Int32Array
    const first = entryOf(unit)
    let at = count
    let follows = 0
    for (let i = 0; i < count; i++) {
      if (!this.#isHere(unit, i, slot)) continue
      const isEarlier = this.#records.idBefore(this.slotAt(unit, i), slot)
      at = isEarlier ? i + 1 : i
      follows = isEarlier ? FOLLOWS : 0
      if (isEarlier) continue
      // The colleague who was the first follows now; any other one does so already.
      const word = (first + i) * ENTRY_WORDS + SLOT_WORD
      follows = (words[word] as number) & FOLLOWS
      words[word] = (words[word] as number) | FOLLOWS
      break
    }
    if (at < count) this.#shift(unit, at, at + 1, count - at)
    ;(this.reals[segmentOf(unit)] as Float64Array).set(this.vector, (first + at) * ENTRY_REALS)
    words[(first + at) * ENTRY_WORDS + SLOT_WORD] = slot | follows
    words[(first + at) * ENTRY_WORDS + FEE_WORD] = this.#records.word(slot, FEE)
  }

  /** Takes the entry at `index` out of a page of `count`. */
  remove(unit: number, count: number, index: number): void {
    const words = this.words[segmentOf(unit)] as Int32Array
    const word = (entryOf(unit) + index) * ENTRY_WORDS + SLOT_WORD
    const isLast = index + 1 === count
    // Whoever follows the first of a place becomes the first.
    if (!isLast && (words[word] as number) >= 0) words[word + ENTRY_WORDS] = (words[word + ENTRY_WORDS] as number) & SLOT_MASK
    if (!isLast) this.#shift(unit, index + 1, index, count - index - 1)
  }

  setFee(unit: number, index: number, fee: number): void {
    const words = this.words[segmentOf(unit)] as Int32Array
    words[(entryOf(unit) + index) * ENTRY_WORDS + FEE_WORD] = fee
  }

  /** Copies a page to another one. */
  copy(from: number, to: number, count: number): void {
    const start = entryOf(from) * ENTRY_REALS
    const source = (this.reals[segmentOf(from)] as Float64Array).subarray(start, start + count * ENTRY_REALS)
    const target = this.reals[segmentOf(to)] as Float64Array
    target.set(source, entryOf(to) * ENTRY_REALS)
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
    const reals = this.reals[segmentOf(unit)] as Float64Array
    const at = (entryOf(unit) + index) * ENTRY_REALS
    if (reals[at] !== this.vector[0] || reals[at + 1] !== this.vector[1] || reals[at + 2] !== this.vector[2]) return false
    const other = this.slotAt(unit, index)
    return (
      this.#records.real(other, LATITUDE) === this.#records.real(slot, LATITUDE) &&
      this.#records.real(other, LONGITUDE) === this.#records.real(slot, LONGITUDE)
    )
  }

  #shift(unit: number, from: number, to: number, count: number): void {
    const start = entryOf(unit)
    const reals = this.reals[segmentOf(unit)] as Float64Array
    reals.copyWithin((start + to) * ENTRY_REALS, (start + from) * ENTRY_REALS, (start + from + count) * ENTRY_REALS)
  }

  #grow(units: number): void {
    while (this.reals.length * SEGMENT_UNITS < units) {
      const segment = new Float64Array(SEGMENT_ENTRIES * ENTRY_REALS)
      this.reals.push(segment)
      this.words.push(new Int32Array(segment.buffer))
    }
  }
}
