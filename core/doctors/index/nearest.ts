/**
 * The nearest doctors of a tree, best first: whatever may be nearest is looked at next, and nothing that cannot be nearer than what
 * is held. Chords of the unit sphere order as great-circle distances do.
 */
import { TOTAL_MAX } from "../../pages.ts"
import { haversineKm } from "../search/haversine.ts"
import { Best } from "./best.ts"
import { CHORD_MAX, CHORD_SLACK, chordOf, SQUARE_TOLERANCE, unitVector } from "./exact.ts"
import type { Filters } from "./filters.ts"
import { NodeHeap } from "./node-heap.ts"
import { COUNT, FIRST, LEAF, LENGTH_MASK, NODE_WORDS, type Nodes, SHAPE } from "./nodes.ts"
import { ENTRY_REALS, ENTRY_WORDS, entryOf, FEE_WORD, SLOT_MASK, SLOT_WORD, segmentOf } from "./pages.ts"
import { LATITUDE, LONGITUDE } from "./record-layout.ts"
import type { Records } from "./records.ts"

export type Disk = { latitude: number; longitude: number; radius: number }

export class Nearest {
  readonly #nodes: Nodes
  readonly #records: Records
  readonly best: Best
  readonly #heap = new NodeHeap()
  readonly #centre = new Float64Array(3)
  #disk: Disk = { latitude: 0, longitude: 0, radius: 0 }
  #filters: Filters | undefined
  /** Doctors within the radius who pass, as far as they were counted. */
  hits = 0
  #counting = false
  /** Numbers the places that were looked at. */
  #run = 0
  /** The radius as a chord; squares beyond the outer are outside, below the inner inside, between them haversineKm decides. */
  #rim = 0
  #outer = 0
  #inner = 0
  /** Nobody with a larger square belongs to the best, no node farther than the chord can hold one who does. */
  #bound = 0
  #reach = 0

  constructor(nodes: Nodes, records: Records) {
    this.#nodes = nodes
    this.#records = records
    this.best = new Best(records)
  }

  /** Leaves the first `wanted` in `best`. If asked to count, sets `hits`, to TOTAL_MAX + 1 where there are more. */
  search(root: number, disk: Disk, wanted: number, filters: Filters | undefined, counting: boolean): void {
    this.#start(disk, wanted, filters, counting)
    this.#heap.push(0, root)
    while (this.#heap.size > 0 && (this.#heap.keys[0] as number) <= this.#reach) {
      const node = this.#heap.nodes[0] as number
      this.#heap.pop()
      if (((this.#nodes.words[node * NODE_WORDS + SHAPE] as number) & LEAF) !== 0) this.#scan(node)
      else this.#expand(node)
    }
    if (this.#counting) this.#countRest()
    this.#heap.size = 0
    this.best.finish(disk.latitude, disk.longitude)
  }

  /** The search that finds nobody. */
  findNobody(): void {
    this.hits = 0
    this.best.start(0)
  }

  #start(disk: Disk, wanted: number, filters: Filters | undefined, counting: boolean): void {
    this.#disk = disk
    this.#filters = filters
    this.#counting = counting
    this.hits = 0
    this.#run = 0
    this.best.start(wanted)
    this.#rim = chordOf(disk.radius)
    if (this.#rim > CHORD_MAX) throw new RangeError(`no search reaches ${disk.radius} km`)
    this.#outer = this.#rim * this.#rim + SQUARE_TOLERANCE
    this.#inner = this.#rim * this.#rim - SQUARE_TOLERANCE
    this.#bound = this.#outer
    this.#reach = this.#rim + CHORD_SLACK
    unitVector(disk.latitude, disk.longitude, this.#centre, 0)
  }

  /** Puts a node's children where they belong in the heap. */
  #expand(node: number): void {
    const { balls, words } = this.#nodes
    const x = this.#centre[0] as number
    const y = this.#centre[1] as number
    const z = this.#centre[2] as number
    const first = words[node * NODE_WORDS + FIRST] as number
    const end = first + ((words[node * NODE_WORDS + SHAPE] as number) & LENGTH_MASK)
    const limit = this.#counting ? this.#rim + CHORD_SLACK : this.#reach
    const whole = this.#counting && this.#filters === undefined ? this.#rim - CHORD_SLACK : -1
    for (let child = first; child < end; child++) {
      const dx = (balls[4 * child] as number) - x
      const dy = (balls[4 * child + 1] as number) - y
      const dz = (balls[4 * child + 2] as number) - z
      const distance = Math.sqrt(dx * dx + dy * dy + dz * dz)
      const radius = balls[4 * child + 3] as number
      if (distance - radius > limit) continue
      if (distance + radius <= whole && (words[child * NODE_WORDS + COUNT] as number) > TOTAL_MAX) this.#countedEnough()
      this.#heap.push(distance - radius, child)
    }
  }

  #countedEnough(): void {
    this.hits = TOTAL_MAX + 1
    this.#counting = false
  }

  #scan(leaf: number): void {
    const { words } = this.#nodes
    const first = words[leaf * NODE_WORDS + FIRST] as number
    const page = this.#nodes.pages.reals[segmentOf(first)] as Float64Array
    const pageWords = this.#nodes.pages.words[segmentOf(first)] as Int32Array
    const start = entryOf(first)
    const end = start + (words[leaf * NODE_WORDS + COUNT] as number)
    const x = this.#centre[0] as number
    const y = this.#centre[1] as number
    const z = this.#centre[2] as number
    for (let entry = start; entry < end; entry++) {
      const dx = (page[entry * ENTRY_REALS] as number) - x
      const dy = (page[entry * ENTRY_REALS + 1] as number) - y
      const dz = (page[entry * ENTRY_REALS + 2] as number) - z
      const square = dx * dx + dy * dy + dz * dz
      if (square > (this.#counting ? this.#outer : this.#bound)) continue
      const word = pageWords[entry * ENTRY_WORDS + SLOT_WORD] as number
      // A marked one is as far as the one before, so that both are looked at or neither.
      if (word >= 0) this.#run++
      const slot = word & SLOT_MASK
      if (this.#filters !== undefined && !this.#filters.pass(slot, pageWords[entry * ENTRY_WORDS + FEE_WORD] as number)) continue
      if (square > this.#inner && !this.#isWithin(slot)) continue
      if (this.#counting && ++this.hits > TOTAL_MAX) this.#counting = false
      if (square <= this.#bound) this.#offer(square, slot)
    }
  }

  #offer(square: number, slot: number): void {
    const bound = this.best.add(square, slot, this.#run)
    if (bound >= this.#bound) return
    this.#bound = bound
    this.#reach = Math.min(this.#rim, Math.sqrt(bound)) + CHORD_SLACK
  }

  /** On the rim. */
  #isWithin(slot: number): boolean {
    const { latitude, longitude, radius } = this.#disk
    return haversineKm(latitude, longitude, this.#records.real(slot, LATITUDE), this.#records.real(slot, LONGITUDE)) <= radius
  }

  /** Counts in what was not looked at, in any order, with the heap's arrays as a stack. */
  #countRest(): void {
    this.#bound = -1
    const heap = this.#heap
    while (this.#counting && heap.size > 0) {
      const node = heap.nodes[--heap.size] as number
      const count = this.#nodes.words[node * NODE_WORDS + COUNT] as number
      if (this.#filters === undefined && this.#isInside(node)) {
        this.hits += count
        if (this.hits > TOTAL_MAX) this.#countedEnough()
      } else if (((this.#nodes.words[node * NODE_WORDS + SHAPE] as number) & LEAF) !== 0) this.#scan(node)
      else this.#stackChildren(node)
    }
  }

  #isInside(node: number): boolean {
    return this.#distance(node) + (this.#nodes.balls[4 * node + 3] as number) <= this.#rim - CHORD_SLACK
  }

  #distance(node: number): number {
    const { balls } = this.#nodes
    const dx = (balls[4 * node] as number) - (this.#centre[0] as number)
    const dy = (balls[4 * node + 1] as number) - (this.#centre[1] as number)
    const dz = (balls[4 * node + 2] as number) - (this.#centre[2] as number)
    return Math.sqrt(dx * dx + dy * dy + dz * dz)
  }

  #stackChildren(node: number): void {
    const { balls, words } = this.#nodes
    const first = words[node * NODE_WORDS + FIRST] as number
    const end = first + ((words[node * NODE_WORDS + SHAPE] as number) & LENGTH_MASK)
    for (let child = first; child < end; child++) {
      if (this.#distance(child) - (balls[4 * child + 3] as number) <= this.#rim + CHORD_SLACK) this.#heap.append(child)
    }
  }
}
