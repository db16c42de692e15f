/**
 * The nearest doctors of a tree, best first: whatever may be nearest is looked at next, and nothing that cannot be nearer than what
 * is held.
 */
import { Best } from "./best.ts"
import { type Circle, Disk } from "./disk.ts"
import { CHORD_SLACK } from "./exact.ts"
import type { Filters } from "./filters.ts"
import { bitsOf, lowBits } from "./near-places.ts"
import { NodeHeap } from "./node-heap.ts"
import { COUNT, FIRST, LEAF, LENGTH_MASK, NODE_WORDS, type Nodes, PLACES_SHIFT, RADIUS, SHAPE } from "./nodes.ts"
import { Pace } from "./pace.ts"
import { PLACE_REALS } from "./page-layout.ts"
import { globalWord, placesAt, segmentOf, slotsAt, startsAt } from "./pages.ts"
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
    this.best = new Best(nodes.pages, records, this.#pace)
    this.total = new Total(nodes, this.#disk, this.#pace)
  }

  /** The first `wanted` will be in `best`, and if asked to count, all in `total`, once `goOn` has come to the end. */
  begin(root: number, circle: Circle, wanted: number, filters: Filters | undefined, counting: boolean): void {
    this.#disk.set(circle)
    this.#filters = filters
    this.total.start(counting, filters)
    this.best.start(wanted, this.#disk.outer, circle.latitude, circle.longitude)
    this.#reach = this.#disk.outside
    this.#reachBound = this.best.places.bound
    this.#heap.size = 0
    this.#heap.push(0, root)
  }

  /** Searches until all is found: true; or until about the time: false. */
  goOn(untilMs: number): boolean {
    const heap = this.#heap
    const pace = this.#pace
    const best = this.best
    const { words } = this.#nodes
    pace.start(untilMs)
    while (heap.size > 0 && (heap.keys[0] as number) <= this.#reach) {
      if (pace.isOver() || (best.isCrowded && !best.thin())) return false
      const entry = heap.nodes[0] as number
      heap.pop()
      const node = entry < 0 ? ~entry : entry
      if (((words[node * NODE_WORDS + SHAPE] as number) & LEAF) !== 0) this.#scan(node, entry < 0)
      else if (entry >= 0 && this.total.isCounting) this.#expandAndCount(node)
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

  /** Puts a node's children into the heap. Most nodes near by are counted whole already: one loop for both kinds took 4 % longer. */
  #expand(node: number, isCounted: boolean): void {
    const { words, reals } = this.#nodes
    const { x, y, z } = this.#disk
    const heap = this.#heap
    const first = words[node * NODE_WORDS + FIRST] as number
    const end = first + ((words[node * NODE_WORDS + SHAPE] as number) & LENGTH_MASK)
    const reach = this.#reach
    for (let child = first; child < end; child++) {
      const at = child * NODE_WORDS
      const dx = (reals[at] as number) - x
      const dy = (reals[at + 1] as number) - y
      const dz = (reals[at + 2] as number) - z
      const radius = reals[at + RADIUS] as number
      const square = dx * dx + dy * dy + dz * dz
      const edge = reach + radius
      if (square <= edge * edge) heap.push(Math.sqrt(square) - radius, isCounted ? ~child : child)
    }
  }

  /** Puts a node's children where they belong: in the heap, or among those that are only counted. */
  #expandAndCount(node: number): void {
    const { words, reals } = this.#nodes
    const { x, y, z, inside, outside } = this.#disk
    const heap = this.#heap
    const first = words[node * NODE_WORDS + FIRST] as number
    const end = first + ((words[node * NODE_WORDS + SHAPE] as number) & LENGTH_MASK)
    const reach = this.#reach
    for (let child = first; child < end; child++) {
      const at = child * NODE_WORDS
      const dx = (reals[at] as number) - x
      const dy = (reals[at + 1] as number) - y
      const dz = (reals[at + 2] as number) - z
      const radius = reals[at + RADIUS] as number
      const square = dx * dx + dy * dy + dz * dz
      const edge = outside + radius
      if (square > edge * edge) continue
      const distance = Math.sqrt(square)
      const near = distance - radius
      const isInside = distance + radius <= inside
      const isWhole = isInside && this.#filters === undefined
      if (isWhole) this.total.add(words[at + COUNT] as number)
      if (near <= reach) heap.push(near, isWhole ? ~child : child)
      else if (!isWhole) this.total.later(isInside ? ~child : child)
    }
  }

  /** Offers a leaf's doctors to the best, and counts them. */
  #scan(leaf: number, isCounted: boolean): void {
    const { words: nodeWords, pages } = this.#nodes
    const { x, y, z, inner, outer } = this.#disk
    const filters = this.#filters
    const best = this.best
    const page = nodeWords[leaf * NODE_WORDS + FIRST] as number
    const doctors = nodeWords[leaf * NODE_WORDS + COUNT] as number
    const places = (nodeWords[leaf * NODE_WORDS + SHAPE] as number) >>> PLACES_SHIFT
    const segment = segmentOf(page)
    const reals = pages.reals[segment] as Float64Array
    const words = pages.words[segment] as Int32Array
    const bytes = pages.starts[segment] as Uint8Array
    const slots = slotsAt(page, places)
    const starts = startsAt(page)
    const counts = this.total.isCounting && !isCounted
    best.places.reserve(places)
    const { bound, squares, firsts, masks } = best.places
    const limit = counts ? outer : bound
    let newcomer = best.places.size
    let hits = 0
    for (let place = 0, at = placesAt(page, places); place < places; place++, at += PLACE_REALS) {
      const dx = (reals[at] as number) - x
      const dy = (reals[at + 1] as number) - y
      const dz = (reals[at + 2] as number) - z
      const square = dx * dx + dy * dy + dz * dz
      if (square > limit) continue
      const first = slots + (bytes[starts + place] as number)
      if (square > inner && !this.#disk.has(words[first] as number)) continue
      const count = slots + (bytes[starts + place + 1] as number) - first
      const mask = filters === undefined ? lowBits(count) : filters.passing(words, first, count, doctors)
      hits += filters === undefined ? count : bitsOf(mask)
      if (square > bound || mask === 0) continue
      squares[newcomer] = square
      firsts[newcomer] = globalWord(segment, first)
      masks[newcomer++] = mask
    }
    if (counts) this.total.add(hits)
    best.takeIn(newcomer)
    if (best.places.bound < this.#reachBound) this.#reachTo(best.places.bound)
  }

  #reachTo(bound: number): void {
    this.#reachBound = bound
    this.#reach = Math.min(this.#disk.outside, Math.sqrt(bound) + CHORD_SLACK)
  }
}
