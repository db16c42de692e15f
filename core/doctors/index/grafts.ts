/** The single steps in which an H3 tree changes its form. */
import { fitBall, growBall } from "./balls.ts"
import { buildSmall, leafShape, writeLeaf } from "./build.ts"
import { KeyedSlots } from "./keyed-slots.ts"
import { COUNT, DEPTH_SHIFT, FIRST, LENGTH_MASK, LOOSE, type Nodes, SHAPE } from "./nodes.ts"
import type { PageDraft } from "./page-draft.ts"
import { LEAF_MAX } from "./page-layout.ts"
import type { PlaceKey } from "./place-key.ts"
import type { Records } from "./records.ts"

export class Grafts {
  readonly #nodes: Nodes
  readonly #keyed: KeyedSlots

  constructor(nodes: Nodes, records: Records) {
    this.#nodes = nodes
    this.#keyed = new KeyedSlots(records, LEAF_MAX + 1)
  }

  /** One more below: of the doctor that is located. */
  include(node: number): void {
    const { vector } = this.#nodes.pages.locator
    this.#nodes.set(node, COUNT, this.#nodes.word(node, COUNT) + 1)
    if (growBall(this.#nodes, node, vector[0] as number, vector[1] as number, vector[2] as number)) this.loosen(node)
  }

  loosen(node: number): void {
    this.#nodes.set(node, SHAPE, this.#nodes.word(node, SHAPE) | LOOSE)
    this.#nodes.loosened++
  }
  /** A leaf of one. */
  #writeOnly(node: number, slot: number, { high, low }: PlaceKey): void {
    this.#keyed.set(high, low, slot)
    writeLeaf(this.#nodes, node, this.#keyed, 0, 1)
    fitBall(this.#nodes, node)
  }

  /** The way to the node is longer than its key agrees with the newcomer's: they part above it. */
  fork(node: number, depth: number, slot: number, key: PlaceKey): void {
    const first = this.#nodes.takeNodes(2)
    this.#nodes.copyNode(node, first)
    this.#writeOnly(first + 1, slot, key)
    this.#nodes.set(node, FIRST, first)
    this.#nodes.set(node, SHAPE, 2 | (depth << DEPTH_SHIFT))
    this.include(node)
  }

  addChild(node: number, depth: number, slot: number, key: PlaceKey): void {
    const count = this.#nodes.lengthOf(node)
    const old = this.#nodes.word(node, FIRST)
    const first = this.#nodes.takeNodes(count + 1)
    for (let i = 0; i < count; i++) this.#nodes.copyNode(old + i, first + i)
    this.#nodes.giveNodes(old, count)
    this.#writeOnly(first + count, slot, key)
    this.#nodes.set(node, FIRST, first)
    this.#nodes.set(node, SHAPE, (count + 1) | (depth << DEPTH_SHIFT))
  }

  removeChild(node: number, child: number): void {
    const shape = this.#nodes.word(node, SHAPE)
    const count = shape & LENGTH_MASK
    const old = this.#nodes.word(node, FIRST)
    this.freePage(child)
    // Of two, the other takes the node's place.
    const first = count === 2 ? node : this.#nodes.takeNodes(count - 1)
    for (let i = 0, to = first; i < count; i++) if (old + i !== child) this.#nodes.copyNode(old + i, to++)
    this.#nodes.giveNodes(old, count)
    if (count === 2) return
    this.#nodes.set(node, FIRST, first)
    this.#nodes.set(node, SHAPE, shape - 1)
  }

  addDoctor(leaf: number, slot: number): void {
    this.#change(leaf, (draft) => draft.add(slot))
  }

  removeDoctor(leaf: number, slot: number): void {
    this.#change(leaf, (draft) => draft.remove(slot))
  }

  #change(leaf: number, change: (draft: PageDraft) => void): void {
    const { pages } = this.#nodes
    const page = this.#nodes.word(leaf, FIRST)
    const places = this.#nodes.placesOf(leaf)
    const doctors = this.#nodes.word(leaf, COUNT)
    pages.read(page, places, doctors)
    change(pages.draft)
    this.#nodes.set(leaf, FIRST, pages.rewrite(page, places, doctors))
    this.#nodes.set(leaf, SHAPE, leafShape(pages.draft.places))
    this.#nodes.set(leaf, COUNT, pages.draft.doctors)
    fitBall(this.#nodes, leaf)
  }

  freePage(leaf: number): void {
    this.#nodes.pages.give(this.#nodes.word(leaf, FIRST), this.#nodes.placesOf(leaf), this.#nodes.word(leaf, COUNT))
  }

  split(leaf: number, slot: number): void {
    this.#keyed.clear()
    this.#gather(leaf)
    this.#keyed.push(slot)
    this.#keyed.sort()
    buildSmall(this.#nodes, leaf, this.#keyed, 0, this.#keyed.length)
  }

  /** Makes a leaf of an inner node. */
  join(node: number): void {
    const [high, low] = [this.#nodes.high(node), this.#nodes.low(node)]
    this.#keyed.clear()
    this.#gather(node)
    this.#keyed.set(high, low, this.#keyed.slots[0] as number)
    writeLeaf(this.#nodes, node, this.#keyed, 0, this.#keyed.length, false)
    fitBall(this.#nodes, node)
  }

  /** Collects who is below, and frees what held them. */
  #gather(node: number): void {
    if (this.#nodes.isLeaf(node)) {
      for (let i = 0; i < this.#nodes.word(node, COUNT); i++) this.#keyed.push(this.#nodes.slotIn(node, i))
      this.freePage(node)
      return
    }
    const first = this.#nodes.word(node, FIRST)
    const length = this.#nodes.lengthOf(node)
    for (let child = first; child < first + length; child++) this.#gather(child)
    this.#nodes.giveNodes(first, length)
  }
}
