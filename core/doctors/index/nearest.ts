/**
 * The nearest doctors of a tree, best first: whatever may be nearest is looked at next, and nothing that cannot be nearer than what
 * is held.
 */
import { Best } from "./best.ts"
import { type Circle, Disk } from "./disk.ts"
import { CHORD_SLACK } from "./exact.ts"
import type { Filters } from "./filters.ts"
import { NodeHeap } from "./node-heap.ts"
import { COUNT, FIRST, LEAF, LENGTH_MASK, NODE_WORDS, type Nodes, RADIUS, SHAPE } from "./nodes.ts"
import { Pace } from "./pace.ts"
import { entryOf, FOLLOWS, PLACE_REALS, SLOT_MASK, segmentOf } from "./pages.ts"
import type { Records } from "./records.ts"
import { Total } from "./total.ts"

export class Nearest {
  readonly #nodes: Nodes
  readonly #disk: Disk
  readonly best: Best
  readonly total: Total
  /** Of a node whose doctors are counted already, the complement. */
  readonly #heap = new NodeHeap()
  readonly #pace = new Pace()
  #filters: Filters | undefined
  /** No node that is farther can hold one who belongs to the best, whose bound is or was the second. */
  #reach = 0
  #reachBound = 0

  constructor(nodes: Nodes, records: Records) {
    this.#nodes = nodes
    this.#disk = new Disk(records)
    this.best = new Best(records, this.#pace)
    this.total = new Total(nodes, this.#disk, this.#pace)
  }

  /** The first `wanted` will be in `best`, and if asked to count, all in `total`, once `goOn` has come to the end. */
  begin(root: number, circle: Circle, wanted: number, filters: Filters | undefined, counting: boolean): void {
    this.#disk.set(circle)
    this.#filters = filters
    this.total.start(counting, filters)
    this.best.start(wanted, this.#disk.outer, circle.latitude, circle.longitude)
    this.#reach = this.#disk.outside
    this.#reachBound = this.best.bound
    this.#heap.size = 0
    this.#heap.push(0, root)
  }

  /** Searches until all is found: true; or until about the time: false. */
  goOn(untilMs: number): boolean {
    const heap = this.#heap
    const pace = this.#pace
    const best = this.best
    const { words } = this.#nodes
    pace.untilMs = untilMs
    while (heap.size > 0 && (heap.keys[0] as number) <= this.#reach) {
      if (pace.isOver() || !best.thin()) return false
      const entry = heap.nodes[0] as number
      heap.pop()
      const node = entry < 0 ? ~entry : entry
      if (((words[node * NODE_WORDS + SHAPE] as number) & LEAF) !== 0) this.#scan(node, entry < 0)
      else this.#expand(node, entry < 0)
    }
    if (this.total.isCounting) {
      for (let i = 0; i < heap.size; i++) if ((heap.nodes[i] as number) >= 0) this.total.later(heap.nodes[i] as number)
      heap.size = 0
      if (!this.total.goOn()) return false
    }
    return best.finish()
  }

  /** The search that finds nobody. */
  beginWithNobody(): void {
    this.total.start(false, undefined)
    this.best.start(0, 0, 0, 0)
    this.#heap.size = 0
  }

  /** Puts a node's children where they belong: in the heap, or among those that are only counted. */
  #expand(node: number, isCounted: boolean): void {
    const { words, reals } = this.#nodes
    const { x, y, z, inside } = this.#disk
    const heap = this.#heap
    const first = words[node * NODE_WORDS + FIRST] as number
    const end = first + ((words[node * NODE_WORDS + SHAPE] as number) & LENGTH_MASK)
    const counts = this.total.isCounting && !isCounted
    const reach = this.#reach
    const limit = counts ? this.#disk.outside : reach
    for (let child = first; child < end; child++) {
      const at = child * NODE_WORDS
      const dx = (reals[at] as number) - x
      const dy = (reals[at + 1] as number) - y
      const dz = (reals[at + 2] as number) - z
      const distance = Math.sqrt(dx * dx + dy * dy + dz * dz)
      const radius = reals[at + RADIUS] as number
      const near = distance - radius
      if (near > limit) continue
      const isInside = counts && distance + radius <= inside
      const isWhole = isInside && this.#filters === undefined
      if (isWhole) this.total.add(words[at + COUNT] as number)
      if (near <= reach) heap.push(near, isWhole || isCounted ? ~child : child)
      else if (!isWhole) this.total.later(isInside ? ~child : child)
    }
  }

  /** Offers a leaf's doctors to the best, and counts them. */
  #scan(leaf: number, isCounted: boolean): void {
    const { words, pages } = this.#nodes
    const { x, y, z, inner, outer } = this.#disk
    const filters = this.#filters
    const best = this.best
    const unit = words[leaf * NODE_WORDS + FIRST] as number
    const count = words[leaf * NODE_WORDS + COUNT] as number
    const fees = pages.fees[segmentOf(unit)] as Int32Array
    const slots = pages.slots[segmentOf(unit)] as Int32Array
    const places = pages.places[segmentOf(unit)] as Float64Array
    const counts = this.total.isCounting && !isCounted
    best.reserve(count)
    const { bound, squares: newSquares, slots: newSlots } = best
    const limit = counts ? outer : bound
    const first = entryOf(unit)
    const end = first + count
    let newcomer = best.size
    let hits = 0
    let follows = 0
    for (let entry = first; entry < end; entry++) {
      const dx = (places[entry * PLACE_REALS] as number) - x
      const dy = (places[entry * PLACE_REALS + 1] as number) - y
      const dz = (places[entry * PLACE_REALS + 2] as number) - z
      const square = dx * dx + dy * dy + dz * dz
      if (square > limit) continue
      const word = slots[entry] as number
      // A marked one is as far as the one before, so that both are looked at or neither.
      if (word >= 0) follows = 0
      if (filters !== undefined && !filters.pass(slots, entry, fees[entry] as number)) continue
      const slot = word & SLOT_MASK
      if (square > inner && !this.#disk.has(slot)) continue
      hits++
      if (square > bound) continue
      newSquares[newcomer] = square
      newSlots[newcomer++] = slot | follows
      follows = FOLLOWS
    }
    if (counts) this.total.add(hits)
    best.takeIn(newcomer)
    if (best.bound < this.#reachBound) this.#reachTo(best.bound)
  }

  #reachTo(bound: number): void {
    this.#reachBound = bound
    this.#reach = Math.min(this.#disk.outside, Math.sqrt(bound) + CHORD_SLACK)
  }
}
