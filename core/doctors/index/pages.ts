/**
 * What a search looks at of the doctors of a leaf, in one run of memory: a page. Doctors of one place stand together, for clinics have many,
 * and a search has to look at each place only once. A page of P places and N doctors has
 *
 * - P + 1 starts, bytes: how many doctors stand before each place's first, and how many there are;
 * - P places, from the next double on: x, y, z on the unit sphere;
 * - N slots and N fees, int32: place after place, and doctors of one place in the order of their ids.
 *
 * A place with more doctors than a word has bits stands there several times, each time with some of them.
 *
 * What is needed of most places comes first, so that memory is read forwards.
 */
import { Extents } from "./extents.ts"
import { Locator } from "./locator.ts"
import { giveBack, unzeroedBytes } from "./memory.ts"
import { PageDraft } from "./page-draft.ts"
import { PLACE_REALS, PLACE_WORDS } from "./page-layout.ts"
import type { Records } from "./records.ts"

/** Pages come in units of a line of the processor's cache. */
const UNIT_BYTES = 64
const UNIT_REALS = UNIT_BYTES / Float64Array.BYTES_PER_ELEMENT
const UNIT_WORD_BITS = 4
/** Pages lie in segments of 1 MiB, so that growing never copies. */
const SEGMENT_BITS = 14
const SEGMENT_UNITS = 1 << SEGMENT_BITS
const SEGMENT_WORD_BITS = SEGMENT_BITS + UNIT_WORD_BITS

export const segmentOf = (unit: number) => unit >>> SEGMENT_BITS
/** Where a page's starts stand, among the bytes of its segment. */
export const startsAt = (unit: number) => (unit & (SEGMENT_UNITS - 1)) * UNIT_BYTES
/** Where its first place stands, among the doubles. */
export const placesAt = (unit: number, places: number) => (unit & (SEGMENT_UNITS - 1)) * UNIT_REALS + startReals(places)
/** Where its first slot stands, among the words. So many words behind as it has doctors stand the fees. */
export const slotsAt = (unit: number, places: number) => 2 * placesAt(unit, places) + places * PLACE_WORDS

const startReals = (places: number) => (places + Float64Array.BYTES_PER_ELEMENT) >>> 3

/** One number for a word of all segments, up to 16 GiB of them. */
export const globalWord = (segment: number, word: number) => (segment << SEGMENT_WORD_BITS) | word
export const segmentOfWord = (word: number) => word >>> SEGMENT_WORD_BITS
export const wordInSegment = (word: number) => word & ((1 << SEGMENT_WORD_BITS) - 1)

function unitsFor(places: number, doctors: number): number {
  // A doctor's slot and fee are as long as a double.
  const reals = startReals(places) + places * PLACE_REALS + doctors
  return Math.ceil(reals / UNIT_REALS)
}

export class Pages {
  readonly extents: Extents
  /** By segment, the same memory in three guises: whoever reads starts, places, or slots and fees. */
  readonly reals: Float64Array[] = []
  readonly words: Int32Array[] = []
  readonly starts: Uint8Array[] = []
  readonly locator: Locator
  /** The page that is being written or changed. */
  readonly draft: PageDraft

  constructor(records: Records) {
    this.extents = new Extents((units) => this.#grow(units), SEGMENT_UNITS)
    this.locator = new Locator(records)
    this.draft = new PageDraft(records, this.locator)
  }

  get bytes(): number {
    return this.words.reduce((sum, { byteLength }) => sum + byteLength, this.extents.bytes)
  }

  slotAt(unit: number, places: number, index: number): number {
    return (this.words[segmentOf(unit)] as Int32Array)[slotsAt(unit, places) + index] as number
  }

  setFee(unit: number, places: number, doctors: number, index: number, fee: number): void {
    ;(this.words[segmentOf(unit)] as Int32Array)[slotsAt(unit, places) + doctors + index] = fee
  }

  /** Gives a page back. */
  give(unit: number, places: number, doctors: number): void {
    this.extents.give(unit, unitsFor(places, doctors))
  }

  /** Opens a page as the draft. */
  read(unit: number, places: number, doctors: number): void {
    const { draft } = this
    const reals = this.reals[segmentOf(unit)] as Float64Array
    const words = this.words[segmentOf(unit)] as Int32Array
    const bytes = this.starts[segmentOf(unit)] as Uint8Array
    const [firstStart, firstReal, firstSlot] = [startsAt(unit), placesAt(unit, places), slotsAt(unit, places)]
    for (let i = 0; i < places * PLACE_REALS; i++) draft.reals[i] = reals[firstReal + i] as number
    for (let i = 0; i < doctors; i++) {
      draft.slots[i] = words[firstSlot + i] as number
      draft.fees[i] = words[firstSlot + doctors + i] as number
    }
    for (let i = 1; i <= places; i++) draft.starts[i] = bytes[firstStart + i] as number
    draft.places = places
    draft.doctors = doctors
  }

  /** Writes the draft to a new page. */
  write(): number {
    const { places, doctors } = this.draft
    const unit = this.extents.take(unitsFor(places, doctors))
    this.#fill(unit)
    return unit
  }

  /** Writes the draft to the page of which it was read, or to a new one if there is no room. `places` and `doctors` are what the page had. */
  rewrite(unit: number, places: number, doctors: number): number {
    const had = unitsFor(places, doctors)
    const needs = unitsFor(this.draft.places, this.draft.doctors)
    if (needs > had) {
      const page = this.write()
      this.extents.give(unit, had)
      return page
    }
    this.#fill(unit)
    if (needs < had) this.extents.give(unit + needs, had - needs)
    return unit
  }

  #fill(unit: number): void {
    const { draft } = this
    const { places, doctors } = draft
    const [firstStart, firstReal, firstSlot] = [startsAt(unit), placesAt(unit, places), slotsAt(unit, places)]
    const reals = this.reals[segmentOf(unit)] as Float64Array
    const words = this.words[segmentOf(unit)] as Int32Array
    const bytes = this.starts[segmentOf(unit)] as Uint8Array
    for (let i = 0; i < places * PLACE_REALS; i++) reals[firstReal + i] = draft.reals[i] as number
    for (let i = 0; i < doctors; i++) {
      words[firstSlot + i] = draft.slots[i] as number
      words[firstSlot + doctors + i] = draft.fees[i] as number
    }
    for (let i = 0; i <= places; i++) bytes[firstStart + i] = draft.starts[i] as number
  }

  /** Gives all of them back, a segment in each step. */
  *release(): Generator<void, void> {
    for (const words of this.words) {
      giveBack(words)
      yield
    }
  }

  #grow(units: number): void {
    while (this.words.length * SEGMENT_UNITS < units) {
      const buffer = unzeroedBytes(SEGMENT_UNITS * UNIT_BYTES)
      this.reals.push(new Float64Array(buffer))
      this.words.push(new Int32Array(buffer))
      this.starts.push(new Uint8Array(buffer))
    }
  }
}
