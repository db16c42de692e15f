import { leafShape, writeNode } from "./build.ts"
import { Grafts } from "./grafts.ts"
import { COUNT, DEPTH_SHIFT, FIRST, JOIN_MAX, KEY_SLOT, LEAF, LENGTH_MASK, type Nodes, SHAPE } from "./nodes.ts"
import { LEAF_MAX } from "./page-layout.ts"
import { commonDigits, digitAt, type PlaceKey } from "./place-key.ts"
import type { Records } from "./records.ts"

/** A way down is no longer: a key has 17 digits of its place and 11 of its slot. */
const DEPTH_MAX = 32

export class Tree {
  readonly #nodes: Nodes
  readonly #grafts: Grafts
  /** The inner nodes above a leaf, from the root. */
  readonly #path = new Int32Array(DEPTH_MAX)

  constructor(nodes: Nodes, records: Records) {
    this.#nodes = nodes
    this.#grafts = new Grafts(nodes, records)
  }

  /** An empty tree. */
  plant(): number {
    const root = this.#nodes.takeNodes(1)
    this.#nodes.pages.draft.clear()
    writeNode(this.#nodes, root, this.#nodes.pages.write(), 0, leafShape(0), 0, 0, 0)
    return root
  }

  isEmpty(root: number): boolean {
    return this.#nodes.word(root, COUNT) === 0
  }

  /** Gives an empty tree's page back, before the root is written anew. */
  clear(root: number): void {
    this.#grafts.freePage(root)
  }

  /** Gives an empty tree's memory back. */
  fell(root: number): void {
    this.clear(root)
    this.#nodes.giveNodes(root, 1)
  }

  insert(root: number, slot: number, key: PlaceKey): void {
    this.#nodes.pages.locator.locate(slot)
    let node = root
    while (!this.#nodes.isLeaf(node)) {
      const depth = this.#nodes.word(node, SHAPE) >>> DEPTH_SHIFT
      const common = this.#commonWith(node, slot, key)
      this.#nodes.aimAt(node)
      if (common < depth) {
        this.#grafts.fork(node, common, slot, key)
        return
      }
      this.#grafts.include(node)
      const child = this.#childOf(node, depth, digitAt(depth, key.high, key.low, slot))
      if (child < 0) {
        this.#grafts.addChild(node, depth, slot, key)
        return
      }
      node = child
    }
    this.#nodes.aimAt(node)
    if (this.#nodes.word(node, COUNT) < LEAF_MAX) this.#grafts.addDoctor(node, slot)
    else this.#grafts.split(node, slot)
  }

  /** The doctor must be in the tree, and its record not have changed its place since it came. */
  remove(root: number, slot: number, key: PlaceKey): void {
    const above = this.#descend(root, slot, key)
    const leaf = this.#path[above] as number
    this.#nodes.aimAt(leaf)
    this.#grafts.removeDoctor(leaf, slot)
    let small = -1
    for (let i = above - 1; i >= 0; i--) {
      const node = this.#path[i] as number
      const count = this.#nodes.word(node, COUNT) - 1
      this.#nodes.set(node, COUNT, count)
      this.#grafts.loosen(node)
      if (count <= JOIN_MAX) small = node
    }
    if (small >= 0) this.#grafts.join(small)
    else if (above > 0 && this.#nodes.word(leaf, COUNT) === 0) this.#grafts.removeChild(this.#path[above - 1] as number, leaf)
  }

  setFee(root: number, slot: number, key: PlaceKey, fee: number): void {
    const leaf = this.#path[this.#descend(root, slot, key)] as number
    const [page, places, doctors] = [this.#nodes.word(leaf, FIRST), this.#nodes.placesOf(leaf), this.#nodes.word(leaf, COUNT)]
    this.#nodes.pages.setFee(page, places, doctors, this.#indexOf(leaf, slot), fee)
  }

  /** Fills the path down to the doctor's leaf, and returns the leaf's place in it. */
  #descend(root: number, slot: number, { high, low }: PlaceKey): number {
    let node = root
    let length = 0
    for (;;) {
      this.#path[length] = node
      const shape = this.#nodes.word(node, SHAPE)
      if ((shape & LEAF) !== 0) return length
      const depth = shape >>> DEPTH_SHIFT
      node = this.#childOf(node, depth, digitAt(depth, high, low, slot))
      if (node < 0) throw new Error("a doctor is not in the tree where its place is")
      length++
    }
  }

  #indexOf(leaf: number, slot: number): number {
    for (let i = this.#nodes.word(leaf, COUNT) - 1; i >= 0; i--) if (this.#nodes.slotIn(leaf, i) === slot) return i
    throw new Error("a doctor is not in the leaf where its place is")
  }

  #commonWith(node: number, slot: number, { high, low }: PlaceKey): number {
    const own = this.#nodes.word(node, KEY_SLOT)
    const depth = this.#nodes.word(node, SHAPE) >>> DEPTH_SHIFT
    // The very key that the node was named after: it has all of its digits.
    if (own === slot && high === this.#nodes.high(node) && low === this.#nodes.low(node)) return depth
    return commonDigits(high, low, slot, this.#nodes.high(node), this.#nodes.low(node), own)
  }

  #childOf(node: number, depth: number, digit: number): number {
    const first = this.#nodes.word(node, FIRST)
    const end = first + (this.#nodes.word(node, SHAPE) & LENGTH_MASK)
    for (let child = first; child < end; child++) if (this.#digitOf(child, depth) === digit) return child
    return -1
  }

  #digitOf(node: number, depth: number): number {
    return digitAt(depth, this.#nodes.high(node), this.#nodes.low(node), this.#nodes.word(node, KEY_SLOT))
  }
}
