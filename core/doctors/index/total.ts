/** How many there are in all, as far as that is told: whole nodes are counted as one, and counting ends when it may. */
import { TOTAL_MAX } from "../../pages.ts"
import type { Disk } from "./disk.ts"
import type { Filters } from "./filters.ts"
import { COUNT, FIRST, LEAF, LENGTH_MASK, NODE_WORDS, type Nodes, RADIUS, SHAPE } from "./nodes.ts"
import type { Pace } from "./pace.ts"
import { entryOf, PLACE_REALS, SLOT_MASK, segmentOf } from "./pages.ts"

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
      const length = shape & LENGTH_MASK
      if ((shape & LEAF) === 0) this.#visitChildren(first, first + length, entry < 0)
      else if (entry < 0) this.#countInside(first, words[at + COUNT] as number)
      else this.#countWithin(first, words[at + COUNT] as number)
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
  #countInside(unit: number, count: number): void {
    const filters = this.#filters as Filters
    const { pages } = this.#nodes
    const fees = pages.fees[segmentOf(unit)] as Int32Array
    const slots = pages.slots[segmentOf(unit)] as Int32Array
    const first = entryOf(unit)
    let hits = 0
    for (let entry = first; entry < first + count; entry++) if (filters.pass(slots, entry, fees[entry] as number)) hits++
    this.add(hits)
  }

  #countWithin(unit: number, count: number): void {
    const { pages } = this.#nodes
    const { x, y, z, inner, outer } = this.#disk
    const filters = this.#filters
    const fees = pages.fees[segmentOf(unit)] as Int32Array
    const slots = pages.slots[segmentOf(unit)] as Int32Array
    const places = pages.places[segmentOf(unit)] as Float64Array
    const first = entryOf(unit)
    let hits = 0
    for (let entry = first; entry < first + count; entry++) {
      const dx = (places[entry * PLACE_REALS] as number) - x
      const dy = (places[entry * PLACE_REALS + 1] as number) - y
      const dz = (places[entry * PLACE_REALS + 2] as number) - z
      const square = dx * dx + dy * dy + dz * dz
      if (square > outer) continue
      if (filters !== undefined && !filters.pass(slots, entry, fees[entry] as number)) continue
      if (square <= inner || this.#disk.has((slots[entry] as number) & SLOT_MASK)) hits++
    }
    this.add(hits)
  }

  #grow(): void {
    const larger = new Int32Array(this.#stack.length * 2)
    larger.set(this.#stack)
    this.#stack = larger
  }
}
