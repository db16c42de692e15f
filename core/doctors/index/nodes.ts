/** The memory of H3 trees: nodes, whose leaves have pages. */
import { Extents } from "./extents.ts"
import { Pages } from "./pages.ts"
import type { Records } from "./records.ts"

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

/** A leaf with more splits. Measured: fewer make more nodes to visit, more make more entries to look at. */
export const LEAF_MAX = 24
/** An inner node with no more doctors becomes a leaf: half, so that doctors who come and go do not split and join it all day. */
export const JOIN_MAX = 20

const FIRST_NODES = 1_024
/** What a new index has. Room that is never used costs nothing: the system gives memory when it is written to. */
const NODES_PER_DOCTOR = 0.4
const GROWTH = 1.5
/** Doctors who come to a place then find room beside its others. */
const ROOM_SHARE = 1 / 16

export class Nodes {
  /** By node: centre and radius of a ball around all doctors below. Single precision, the radius rounded up. */
  balls: Float32Array
  words: Int32Array
  readonly pages: Pages
  readonly #blocks: Extents
  /** How often a node's ball may have come to be larger than need be, since the counter was last set. */
  loosened = 0

  constructor(records: Records, expectedDoctors: number) {
    const capacity = Math.max(FIRST_NODES, Math.ceil(expectedDoctors * NODES_PER_DOCTOR))
    this.balls = new Float32Array(4 * capacity)
    this.words = new Int32Array(NODE_WORDS * capacity)
    this.#blocks = new Extents((nodes) => this.#growNodes(nodes))
    this.pages = new Pages(records)
  }

  get bytes(): number {
    return this.balls.byteLength + this.words.byteLength + this.pages.bytes + this.#blocks.bytes
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

  /** What is taken next shall lie near what is below the node. */
  aimAt(node: number): void {
    let below = node
    while (((this.words[below * NODE_WORDS + SHAPE] as number) & LEAF) === 0) below = this.words[below * NODE_WORDS + FIRST] as number
    this.#blocks.near = node
    this.pages.extents.near = this.words[below * NODE_WORDS + FIRST] as number
  }

  /** Leaves room behind what was built last, for what will come: a share of what it took. */
  leaveRoom({ nodes, units }: { nodes: number; units: number }): void {
    this.#blocks.leaveRoom(Math.ceil((this.top - nodes) * ROOM_SHARE))
    this.pages.extents.leaveRoom(Math.ceil((this.pages.extents.top - units) * ROOM_SHARE))
  }

  copyNode(from: number, to: number): void {
    this.balls.copyWithin(4 * to, 4 * from, 4 * from + 4)
    this.words.copyWithin(NODE_WORDS * to, NODE_WORDS * from, NODE_WORDS * (from + 1))
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
}
