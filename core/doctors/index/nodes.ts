/** The memory of H3 trees: nodes, and pages of the entries that their leaves hold. */
import { unitVector } from "./exact.ts"
import { Extents } from "./extents.ts"
import { FEE, LATITUDE, LONGITUDE, type Records } from "./records.ts"

/** Of a node's int32 words: its first child, or the first unit of its page. */
export const FIRST = 0
/** Doctors below; 0 in a node that is free. */
export const COUNT = 1
/**
 * Children, or units of the page, in the lower bits; then whether it is a leaf; whether its ball may be larger than need be; and the
 * digit in which the children differ.
 */
export const SHAPE = 2
/** The key of some doctor below: of the digits above the node it says all. */
export const HIGH = 3
export const LOW = 4
export const KEY_SLOT = 5
export const NODE_WORDS = 6

export const LEAF = 16
export const LENGTH_MASK = 15
export const LOOSE = 32
export const DEPTH_SHIFT = 6

/** An entry is x, y, z (float64), slot and fee (int32): half a line of the processor's cache. */
export const ENTRY_REALS = 4
export const ENTRY_WORDS = 8
export const SLOT_WORD = 6
export const FEE_WORD = 7

/** Pages come in units of so many entries: two lines of the cache. */
export const UNIT_ENTRIES = 4
/** A leaf with more splits. Measured: fewer make more nodes to visit, more make more entries to look at. */
export const LEAF_MAX = 24
/** An inner node with no more doctors becomes a leaf: half, so that doctors who come and go do not split and join it all day. */
export const JOIN_MAX = 12
const PAGE_UNITS_MAX = LEAF_MAX / UNIT_ENTRIES
/** Base cells by their nearest vertex: as many as 12. Vertices: 12. */
const CHILDREN_MAX = 15

/** Pages lie in segments of 1 MiB, so that growing never copies. */
const SEGMENT_BITS = 13
export const SEGMENT_UNITS = 1 << SEGMENT_BITS
const SEGMENT_ENTRIES = SEGMENT_UNITS * UNIT_ENTRIES
export const segmentOf = (unit: number) => unit >>> SEGMENT_BITS
/** The entry at which a unit begins, in its segment. */
export const entryOf = (unit: number) => (unit & (SEGMENT_UNITS - 1)) * UNIT_ENTRIES

const FIRST_NODES = 1024
const GROWTH = 1.5

export class Nodes {
  readonly #records: Records
  /** By node: centre and radius of a ball around all doctors below. Single precision, the radius rounded up. */
  balls = new Float32Array(4 * FIRST_NODES)
  words = new Int32Array(NODE_WORDS * FIRST_NODES)
  readonly pages: Float64Array[] = []
  readonly pageWords: Int32Array[] = []
  readonly #blocks: Extents
  readonly #units: Extents
  /** How often a node's ball may have come to be larger than need be, since the counter was last set. */
  loosened = 0
  /** Of the doctor that was last located. */
  readonly vector = new Float64Array(3)
  #lastPlace: [number, number] = [Number.NaN, Number.NaN]

  constructor(records: Records) {
    this.#records = records
    this.#blocks = new Extents(CHILDREN_MAX, (nodes) => this.#growNodes(nodes))
    this.#units = new Extents(PAGE_UNITS_MAX, (units) => this.#growPages(units), SEGMENT_UNITS)
  }

  get bytes(): number {
    const pages = this.pages.reduce((sum, page) => sum + page.byteLength, 0)
    return this.balls.byteLength + this.words.byteLength + pages
  }

  /** Nodes ever used: all are below. */
  get top(): number {
    return this.#blocks.top
  }

  takeNodes(count: number): number {
    return this.#blocks.take(count)
  }

  giveNodes(first: number, count: number): void {
    for (let node = first; node < first + count; node++) this.words[node * NODE_WORDS + COUNT] = 0
    this.#blocks.give(first, count)
  }

  takePage(units: number): number {
    return this.#units.take(units)
  }

  givePage(unit: number, units: number): void {
    this.#units.give(unit, units)
  }

  copyNode(from: number, to: number): void {
    this.balls.copyWithin(4 * to, 4 * from, 4 * from + 4)
    this.words.copyWithin(NODE_WORDS * to, NODE_WORDS * from, NODE_WORDS * (from + 1))
  }

  /** Writes a doctor into a page. */
  writeEntry(unit: number, index: number, slot: number): void {
    const segment = segmentOf(unit)
    const entry = entryOf(unit) + index
    this.locate(slot)
    const page = this.pages[segment] as Float64Array
    page.set(this.vector, entry * ENTRY_REALS)
    const words = this.pageWords[segment] as Int32Array
    words[entry * ENTRY_WORDS + SLOT_WORD] = slot
    words[entry * ENTRY_WORDS + FEE_WORD] = this.#records.word(slot, FEE)
  }

  writeFee(unit: number, index: number, fee: number): void {
    const words = this.pageWords[segmentOf(unit)] as Int32Array
    words[(entryOf(unit) + index) * ENTRY_WORDS + FEE_WORD] = fee
  }

  copyEntries(fromUnit: number, fromIndex: number, toUnit: number, toIndex: number, count: number): void {
    const from = (entryOf(fromUnit) + fromIndex) * ENTRY_REALS
    const source = (this.pages[segmentOf(fromUnit)] as Float64Array).subarray(from, from + count * ENTRY_REALS)
    const target = this.pages[segmentOf(toUnit)] as Float64Array
    target.set(source, (entryOf(toUnit) + toIndex) * ENTRY_REALS)
  }

  slotAt(unit: number, index: number): number {
    return (this.pageWords[segmentOf(unit)] as Int32Array)[(entryOf(unit) + index) * ENTRY_WORDS + SLOT_WORD] as number
  }

  /** Sets `vector`. Colleagues often come one after the other: their place is computed once. */
  locate(slot: number): void {
    const [latitude, longitude] = [this.#records.real(slot, LATITUDE), this.#records.real(slot, LONGITUDE)]
    if (latitude === this.#lastPlace[0] && longitude === this.#lastPlace[1]) return
    this.#lastPlace = [latitude, longitude]
    unitVector(latitude, longitude, this.vector, 0)
  }

  #growNodes(nodes: number): void {
    if (nodes * NODE_WORDS <= this.words.length) return
    const capacity = Math.ceil(nodes * GROWTH)
    const [balls, words] = [new Float32Array(4 * capacity), new Int32Array(NODE_WORDS * capacity)]
    balls.set(this.balls)
    words.set(this.words)
    this.balls = balls
    this.words = words
  }

  #growPages(units: number): void {
    while (this.pages.length * SEGMENT_UNITS < units) {
      const page = new Float64Array(SEGMENT_ENTRIES * ENTRY_REALS)
      this.pages.push(page)
      this.pageWords.push(new Int32Array(page.buffer))
    }
  }
}
