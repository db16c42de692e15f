/** How many there are in all, as far as that is told: whole nodes are counted as one, and counting ends when it may. */
import { TOTAL_MAX } from "../../pages.ts"
import type { Disk } from "./disk.ts"
import type { Filters } from "./filters.ts"
import { bitsOf } from "./near-places.ts"
import { COUNT, FIRST, LEAF, LENGTH_MASK, NODE_WORDS, type Nodes, PLACES_SHIFT, RADIUS, SHAPE } from "./nodes.ts"
import type { Pace } from "./pace.ts"
import { PLACE_DOCTORS_MAX, PLACE_REALS } from "./page-layout.ts"
import { placesAt, segmentOf, slotsAt, startsAt } from "./pages.ts"

const FIRST_CAPACITY = 256

export class Total {
  readonly #nodes: Nodes
  readonly #disk: Disk
  readonly #pace: Pace
  #filters: Filters | undefined
  /** Nodes whose doctors are to be counted; the complements of those that lie inside the disk. Never shrunk. */
  #stack = new Int32Array(FIRST_CAPACITY)
  #size = 0
  /** Whether there is more to count. */
  isCounting = false
  /** Doctors within the radius who pass, as far as they were counted: of more than TOTAL_MAX, some number above. */
  hits = 0

  constructor(nodes: Nodes, disk: Disk, pace: Pace) {
    this.#nodes = nodes
    this.#disk = disk
    this.#pace = pace
  }

  start(isCounting: boolean, filters: Filters | undefined): void {
    this.isCounting = isCounting
    this.#filters = filters
    this.#size = 0
    this.hits = 0
  }

  add(hits: number): void {
    this.hits += hits
    if (this.hits > TOTAL_MAX) this.isCounting = false
  }

  /** The doctors of a node that is not outside, or the complement of one that is inside, are counted later. */
  later(node: number): void {
    if (this.#size === this.#stack.length) this.#grow()
    this.#stack[this.#size++] = node
  }

  /** Counts what was left for later, until there is no more: true; or it has to pause: false. */
  goOn(): boolean {
    const { words } = this.#nodes
    while (this.isCounting && this.#size > 0) {
      if (this.#pace.isOver()) return false
      const entry = this.#stack[--this.#size] as number
      const at = (entry < 0 ? ~entry : entry) * NODE_WORDS
      const first = words[at + FIRST] as number
      const shape = words[at + SHAPE] as number
      if ((shape & LEAF) === 0) this.#visitChildren(first, first + (shape & LENGTH_MASK), entry < 0)
      else if (entry < 0) this.#countInside(first, shape >>> PLACES_SHIFT, words[at + COUNT] as number)
      else this.#countWithin(first, shape >>> PLACES_SHIFT, words[at + COUNT] as number)
    }
    return true
  }

  #visitChildren(first: number, end: number, areInside: boolean): void {
    const { words, reals } = this.#nodes
    const { x, y, z, inside, outside } = this.#disk
    for (let child = first; child < end; child++) {
      const at = child * NODE_WORDS
      const dx = (reals[at] as number) - x
      const dy = (reals[at + 1] as number) - y
      const dz = (reals[at + 2] as number) - z
      const distance = areInside ? 0 : Math.sqrt(dx * dx + dy * dy + dz * dz)
      const radius = areInside ? 0 : (reals[at + RADIUS] as number)
      if (distance - radius > outside) continue
      const isInside = distance + radius <= inside
      if (isInside && this.#filters === undefined) this.add(words[at + COUNT] as number)
      else this.later(isInside ? ~child : child)
    }
  }

  /** All of a leaf are within the radius, but there are filters. */
  #countInside(page: number, places: number, doctors: number): void {
    const slots = slotsAt(page, places)
    this.add(this.#passing(this.#nodes.pages.words[segmentOf(page)] as Int32Array, slots, slots + doctors, doctors))
  }

  #countWithin(page: number, places: number, doctors: number): void {
    const { pages } = this.#nodes
    const { x, y, z, inner, outer } = this.#disk
    const reals = pages.reals[segmentOf(page)] as Float64Array
    const words = pages.words[segmentOf(page)] as Int32Array
    const bytes = pages.starts[segmentOf(page)] as Uint8Array
    const slots = slotsAt(page, places)
    const starts = startsAt(page)
    let hits = 0
    for (let place = 0, at = placesAt(page, places); place < places; place++, at += PLACE_REALS) {
      const dx = (reals[at] as number) - x
      const dy = (reals[at + 1] as number) - y
      const dz = (reals[at + 2] as number) - z
      const square = dx * dx + dy * dy + dz * dz
      if (square > outer) continue
      const first = slots + (bytes[starts + place] as number)
      if (square <= inner || this.#disk.has(words[first] as number))
        hits += this.#passing(words, first, slots + (bytes[starts + place + 1] as number), doctors)
    }
    this.add(hits)
  }

  /** Of the doctors whose slots stand from one word to before another, how many pass. Their fees stand `doctors` words behind. */
  #passing(words: Int32Array, first: number, end: number, doctors: number): number {
    const filters = this.#filters
    if (filters === undefined) return end - first
    let hits = 0
    for (let at = first; at < end; at += PLACE_DOCTORS_MAX)
      hits += bitsOf(filters.passing(words, at, Math.min(end - at, PLACE_DOCTORS_MAX), doctors))
    return hits
  }

  #grow(): void {
    const larger = new Int32Array(this.#stack.length * 2)
    larger.set(this.#stack)
    this.#stack = larger
  }
}
