/** Live changes of H3 trees: doctors come and go, and a tree keeps the form that building it anew would give, but for looser balls. */
import { fitBall, growBall } from "./balls.ts"
import { buildSmall, writeLeaf, writeNode } from "./build.ts"
import { KeyedSlots } from "./keyed-slots.ts"
import {
  COUNT,
  DEPTH_SHIFT,
  FIRST,
  HIGH,
  JOIN_MAX,
  KEY_SLOT,
  LEAF,
  LEAF_MAX,
  LENGTH_MASK,
  LOOSE,
  LOW,
  NODE_WORDS,
  type Nodes,
  SHAPE,
} from "./nodes.ts"
import { UNIT_ENTRIES } from "./pages.ts"
import { commonDigits, digitAt, type PlaceKey } from "./place-key.ts"
import type { Records } from "./records.ts"

/** A way down is no longer: a key has 17 digits of its place and 11 of its slot. */
const DEPTH_MAX = 32
/** A page gives room back when it has so many units more than it needs, so that it does not move at every change. */
const ROOM_UNITS = 4

export class Tree {
  readonly #nodes: Nodes
  readonly #keyed: KeyedSlots
  /** The inner nodes above a leaf, from the root. */
  readonly #path = new Int32Array(DEPTH_MAX)

  constructor(nodes: Nodes, records: Records) {
    this.#nodes = nodes
    this.#keyed = new KeyedSlots(records, LEAF_MAX + 1)
  }

  /** An empty tree. */
  plant(): number {
    const root = this.#nodes.takeNodes(1)
    writeNode(this.#nodes, root, this.#nodes.pages.take(1), 0, 1 | LEAF, 0, 0, 0)
    return root
  }

  isEmpty(root: number): boolean {
    return this.#word(root, COUNT) === 0
  }

  /** Gives an empty tree's page back, before the root is written anew. */
  clear(root: number): void {
    this.#freePage(root)
  }

  /** Gives an empty tree's memory back. */
  fell(root: number): void {
    this.clear(root)
    this.#nodes.giveNodes(root, 1)
  }

  insert(root: number, slot: number, key: PlaceKey): void {
    this.#nodes.pages.locate(slot)
    let node = root
    while ((this.#word(node, SHAPE) & LEAF) === 0) {
      const depth = this.#word(node, SHAPE) >>> DEPTH_SHIFT
      const common = this.#commonWith(node, slot, key)
      if (common < depth) {
        this.#fork(node, common, slot, key)
        return
      }
      this.#include(node)
      const child = this.#childOf(node, depth, digitAt(depth, key.high, key.low, slot))
      if (child < 0) {
        this.#addChild(node, depth, slot, key)
        return
      }
      node = child
    }
    if (this.#word(node, COUNT) < LEAF_MAX) this.#addEntry(node, slot)
    else this.#split(node, slot)
  }

  /** The doctor must be in the tree, and its record not have changed its place since it came. */
  remove(root: number, slot: number, key: PlaceKey): void {
    const { words } = this.#nodes
    const above = this.#descend(root, slot, key)
    const leaf = this.#path[above] as number
    const page = this.#word(leaf, FIRST)
    const index = this.#indexOf(leaf, slot)
    let small = -1
    for (let i = above; i >= 0; i--) {
      const node = this.#path[i] as number
      const count = this.#word(node, COUNT) - 1
      words[node * NODE_WORDS + COUNT] = count
      if (i < above) this.#loosen(node)
      if (i < above && count <= JOIN_MAX) small = node
    }
    const count = this.#word(leaf, COUNT)
    this.#nodes.pages.remove(page, count + 1, index)
    if (small >= 0) this.#join(small)
    else if (count === 0 && above > 0) this.#removeChild(this.#path[above - 1] as number, leaf)
    else this.#shrink(leaf)
  }

  setFee(root: number, slot: number, key: PlaceKey, fee: number): void {
    const leaf = this.#path[this.#descend(root, slot, key)] as number
    this.#nodes.pages.setFee(this.#word(leaf, FIRST), this.#indexOf(leaf, slot), fee)
  }

  #word(node: number, field: number): number {
    return this.#nodes.words[node * NODE_WORDS + field] as number
  }

  #set(node: number, field: number, value: number): void {
    this.#nodes.words[node * NODE_WORDS + field] = value
  }

  /** Fills the path down to the doctor's leaf, and returns the leaf's place in it. */
  #descend(root: number, slot: number, { high, low }: PlaceKey): number {
    let node = root
    let length = 0
    for (;;) {
      this.#path[length] = node
      const shape = this.#word(node, SHAPE)
      if ((shape & LEAF) !== 0) return length
      const depth = shape >>> DEPTH_SHIFT
      node = this.#childOf(node, depth, digitAt(depth, high, low, slot))
      if (node < 0) throw new Error("a doctor is not in the tree where its place is")
      length++
    }
  }

  #indexOf(leaf: number, slot: number): number {
    const page = this.#word(leaf, FIRST)
    for (let i = this.#word(leaf, COUNT) - 1; i >= 0; i--) if (this.#nodes.pages.slotAt(page, i) === slot) return i
    throw new Error("a doctor is not in the leaf where its place is")
  }

  #commonWith(node: number, slot: number, { high, low }: PlaceKey): number {
    const own = this.#word(node, KEY_SLOT)
    const depth = this.#word(node, SHAPE) >>> DEPTH_SHIFT
    // The very key that the node was named after: it has all of its digits.
    if (own === slot && high === this.#word(node, HIGH) && low === this.#word(node, LOW)) return depth
    return commonDigits(high, low, slot, this.#word(node, HIGH), this.#word(node, LOW), own)
  }

  #childOf(node: number, depth: number, digit: number): number {
    const first = this.#word(node, FIRST)
    const end = first + (this.#word(node, SHAPE) & LENGTH_MASK)
    for (let child = first; child < end; child++) if (this.#digitOf(child, depth) === digit) return child
    return -1
  }

  #digitOf(node: number, depth: number): number {
    return digitAt(depth, this.#word(node, HIGH), this.#word(node, LOW), this.#word(node, KEY_SLOT))
  }

  /** One more below: of the doctor that is located. */
  #include(node: number): void {
    const { vector } = this.#nodes.pages
    this.#set(node, COUNT, this.#word(node, COUNT) + 1)
    if (growBall(this.#nodes, node, vector[0] as number, vector[1] as number, vector[2] as number)) this.#loosen(node)
  }

  #loosen(node: number): void {
    this.#set(node, SHAPE, this.#word(node, SHAPE) | LOOSE)
    this.#nodes.loosened++
  }

  /** A leaf of one. */
  #writeOnly(node: number, slot: number, { high, low }: PlaceKey): void {
    this.#keyed.set(high, low, slot)
    writeLeaf(this.#nodes, node, this.#keyed, 0, 1)
    fitBall(this.#nodes, node)
  }

  /** The way to the node is longer than its key agrees with the newcomer's: they part above it. */
  #fork(node: number, depth: number, slot: number, key: PlaceKey): void {
    const first = this.#nodes.takeNodes(2)
    this.#nodes.copyNode(node, first)
    this.#writeOnly(first + 1, slot, key)
    this.#set(node, FIRST, first)
    this.#set(node, SHAPE, 2 | (depth << DEPTH_SHIFT))
    this.#include(node)
  }

  #addChild(node: number, depth: number, slot: number, key: PlaceKey): void {
    const count = this.#word(node, SHAPE) & LENGTH_MASK
    const old = this.#word(node, FIRST)
    const first = this.#nodes.takeNodes(count + 1)
    for (let i = 0; i < count; i++) this.#nodes.copyNode(old + i, first + i)
    this.#nodes.giveNodes(old, count)
    this.#writeOnly(first + count, slot, key)
    this.#set(node, FIRST, first)
    this.#set(node, SHAPE, (count + 1) | (depth << DEPTH_SHIFT))
  }

  #removeChild(node: number, child: number): void {
    const shape = this.#word(node, SHAPE)
    const count = shape & LENGTH_MASK
    const old = this.#word(node, FIRST)
    this.#freePage(child)
    // Of two, the other takes the node's place.
    const first = count === 2 ? node : this.#nodes.takeNodes(count - 1)
    for (let i = 0, to = first; i < count; i++) if (old + i !== child) this.#nodes.copyNode(old + i, to++)
    this.#nodes.giveNodes(old, count)
    if (count === 2) return
    this.#set(node, FIRST, first)
    this.#set(node, SHAPE, shape - 1)
  }

  #addEntry(leaf: number, slot: number): void {
    const count = this.#word(leaf, COUNT)
    if (count === (this.#word(leaf, SHAPE) & LENGTH_MASK) * UNIT_ENTRIES) this.#turnPage(leaf, count / UNIT_ENTRIES + 1)
    this.#nodes.pages.insert(this.#word(leaf, FIRST), count, slot)
    this.#set(leaf, COUNT, count + 1)
    fitBall(this.#nodes, leaf)
  }

  #shrink(leaf: number): void {
    const units = Math.max(1, Math.ceil(this.#word(leaf, COUNT) / UNIT_ENTRIES))
    if ((this.#word(leaf, SHAPE) & LENGTH_MASK) >= units + ROOM_UNITS) this.#turnPage(leaf, units)
    fitBall(this.#nodes, leaf)
  }

  #turnPage(leaf: number, units: number): void {
    const page = this.#nodes.pages.take(units)
    this.#nodes.pages.copy(this.#word(leaf, FIRST), page, this.#word(leaf, COUNT))
    this.#freePage(leaf)
    this.#set(leaf, FIRST, page)
    this.#set(leaf, SHAPE, units | LEAF)
  }

  #freePage(leaf: number): void {
    this.#nodes.pages.give(this.#word(leaf, FIRST), this.#word(leaf, SHAPE) & LENGTH_MASK)
  }

  #split(leaf: number, slot: number): void {
    this.#keyed.clear()
    this.#gather(leaf)
    this.#keyed.push(slot)
    this.#keyed.sort()
    buildSmall(this.#nodes, leaf, this.#keyed, 0, this.#keyed.length)
  }

  /** Makes a leaf of an inner node. */
  #join(node: number): void {
    const [high, low] = [this.#word(node, HIGH), this.#word(node, LOW)]
    this.#keyed.clear()
    this.#gather(node)
    this.#keyed.set(high, low, this.#keyed.slots[0] as number)
    writeLeaf(this.#nodes, node, this.#keyed, 0, this.#keyed.length)
    fitBall(this.#nodes, node)
  }

  /** Collects who is below, and frees what held them. */
  #gather(node: number): void {
    const first = this.#word(node, FIRST)
    const length = this.#word(node, SHAPE) & LENGTH_MASK
    if ((this.#word(node, SHAPE) & LEAF) !== 0) {
      for (let i = 0; i < this.#word(node, COUNT); i++) this.#keyed.push(this.#nodes.pages.slotAt(first, i))
      this.#freePage(node)
      return
    }
    for (let child = first; child < first + length; child++) this.#gather(child)
    this.#nodes.giveNodes(first, length)
  }
}
