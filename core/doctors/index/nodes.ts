/** The memory of H3 trees: nodes, whose leaves have pages. */
import { Extents } from "./extents.ts"
import { GrowingColumns } from "./growing-columns.ts"
import { unzeroedWords } from "./memory.ts"
import { Pages } from "./pages.ts"
import type { Records } from "./records.ts"

/**
 * A node is eight words, half a line of the processor's cache: centre and radius of a ball around all doctors below (float32, the radius
 * rounded up), and four of int32. Brothers lie one behind the other.
 */
export const NODE_WORDS = 8
/** Of the float32 words; the centre's other two stand behind. */
export const CENTRE = 0
export const RADIUS = 3
/** Of the int32 words: its first child, or the first unit of its page. */
export const FIRST = 4
/** Doctors below; 0 in a node that is free. */
export const COUNT = 5
/**
 * Children in the lower bits; then whether it is a leaf; whether its ball may be larger than need be; and the digit in which the children
 * differ, or of a leaf how many places its page has.
 */
export const SHAPE = 6
/** The key of some doctor below: of the digits above the node it says all. Searches do not need it: all but the slot stands elsewhere. */
export const KEY_SLOT = 7
export const KEY_WORDS = 2
export const HIGH = 0
export const LOW = 1

export const LEAF = 32
export const LENGTH_MASK = 31
export const LOOSE = 64
export const DEPTH_SHIFT = 7
export const PLACES_SHIFT = 7

/** An inner node with no more doctors becomes a leaf: fewer, so that doctors who come and go do not split and join it all day. */
export const JOIN_MAX = 104

const FIRST_NODES = 1_024
/** What a new index has. Room that is never used costs nothing: the system gives memory when it is written to. */
const NODES_PER_DOCTOR = 0.2
const GROWTH = 1.5
/** Doctors who come to a place then find room beside its others. */
const ROOM_SHARE = 1 / 16

export class Nodes {
  /** By node, the same memory in two guises. */
  reals: Float32Array
  words: Int32Array
  /** By node: {@link HIGH} and {@link LOW}. */
  keys: Int32Array
  readonly pages: Pages
  readonly #blocks: Extents
  readonly #growing: GrowingColumns
  /** How often a node's ball may have come to be larger than need be, since the counter was last set. */
  loosened = 0

  constructor(records: Records, expectedDoctors: number) {
    const capacity = Math.max(FIRST_NODES, Math.ceil(expectedDoctors * NODES_PER_DOCTOR))
    this.words = unzeroedWords(NODE_WORDS * capacity)
    this.reals = new Float32Array(this.words.buffer)
    this.keys = unzeroedWords(KEY_WORDS * capacity)
    this.#growing = new GrowingColumns({
      capacity,
      growth: GROWTH,
      inUse: () => [this.words, this.keys],
      use: (larger) => {
        ;[this.words, this.keys] = larger as [Int32Array, Int32Array]
        this.reals = new Float32Array(this.words.buffer)
      },
    })
    this.#blocks = new Extents((nodes) => this.#growing.reserve(nodes))
    this.pages = new Pages(records)
  }

  get bytes(): number {
    return this.#growing.bytes + this.pages.bytes + this.#blocks.bytes
  }

  /** Nodes ever used: all are below. */
  get top(): number {
    return this.#blocks.top
  }

  word(node: number, field: number): number {
    return this.words[node * NODE_WORDS + field] as number
  }

  set(node: number, field: number, value: number): void {
    this.words[node * NODE_WORDS + field] = value
    this.wrote(node)
  }

  /** To be called after a node's words were written otherwise than by `set`. */
  wrote(node: number): void {
    this.#growing.wrote(node)
  }

  isLeaf(node: number): boolean {
    return (this.word(node, SHAPE) & LEAF) !== 0
  }

  /** Children. */
  lengthOf(node: number): number {
    return this.word(node, SHAPE) & LENGTH_MASK
  }

  /** Of a leaf. */
  placesOf(leaf: number): number {
    return this.word(leaf, SHAPE) >>> PLACES_SHIFT
  }

  /** The doctor who stands at an index of a leaf's page. */
  slotIn(leaf: number, index: number): number {
    return this.pages.slotAt(this.word(leaf, FIRST), this.placesOf(leaf), index)
  }

  high(node: number): number {
    return this.keys[node * KEY_WORDS + HIGH] as number
  }

  low(node: number): number {
    return this.keys[node * KEY_WORDS + LOW] as number
  }

  setKey(node: number, high: number, low: number, slot: number): void {
    this.keys[node * KEY_WORDS + HIGH] = high
    this.keys[node * KEY_WORDS + LOW] = low
    this.set(node, KEY_SLOT, slot)
  }

  takeNodes(count: number): number {
    return this.#blocks.take(count)
  }

  giveNodes(first: number, count: number): void {
    for (let node = first; node < first + count; node++) this.set(node, COUNT, 0)
    this.#blocks.give(first, count)
  }

  /** What is taken next shall lie near what is below the node. */
  aimAt(node: number): void {
    let below = node
    while (!this.isLeaf(below)) below = this.word(below, FIRST)
    this.#blocks.near = node
    this.pages.extents.near = this.word(below, FIRST)
  }

  /** Leaves room behind what was built last, for what will come: a share of what it took. */
  leaveRoom({ nodes, units }: { nodes: number; units: number }): void {
    const first = this.top
    this.#blocks.leaveRoom(Math.ceil((first - nodes) * ROOM_SHARE))
    for (let node = first; node < this.top; node++) this.set(node, COUNT, 0)
    this.pages.extents.leaveRoom(Math.ceil((this.pages.extents.top - units) * ROOM_SHARE))
  }

  /** Gives their memory back in steps. */
  *release(): Generator<void, void> {
    yield* this.pages.release()
    yield* this.#growing.release()
  }

  copyNode(from: number, to: number): void {
    this.words.copyWithin(NODE_WORDS * to, NODE_WORDS * from, NODE_WORDS * (from + 1))
    this.keys.copyWithin(KEY_WORDS * to, KEY_WORDS * from, KEY_WORDS * (from + 1))
    this.wrote(to)
  }
}
