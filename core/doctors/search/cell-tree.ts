/** The cells of H3 as a tree that grows where it is looked at, with what a search needs of each: where it is. */
import { cellToLatLng, getPentagons, getRes0Cells } from "h3-js"
import { baseOf, childPlace, firstPlaceIn, indexOf, spanOf } from "./places.ts"
import { unitVector } from "./sphere.ts"

/** Some 20 MB. A search in a town that is new to the tree adds a few hundred; when it is full it begins anew. */
const NODES_MAX = 500_000
const NODES_FIRST = 16_384
const DIGITS = 7
/** A pentagon has no such child. */
const DIGIT_OF_NO_PENTAGON = 1
/** Children not looked at yet: no child is the first root. */
const UNKNOWN = 0

const PENTAGONS = new Set(getPentagons(0).map((cell) => baseOf(firstPlaceIn(cell, 0))))
/** The base cells, which come in the order of their numbers. */
export const ROOTS = getRes0Cells().length

/** Nodes are numbers from 0 on; the first are the base cells. */
export class CellTree {
  /** Of each node: the lowest of its places, and its centre as a unit vector. */
  firsts = new Int32Array(NODES_FIRST)
  centres = new Float64Array(3 * NODES_FIRST)
  /** The first of its children, which the others follow, and how many there are. */
  #children = new Int32Array(NODES_FIRST)
  #size = 0

  constructor() {
    for (const cell of getRes0Cells()) this.#add(firstPlaceIn(cell, 0), 0)
  }

  /** Full: whoever begins a search begins it with a new tree. */
  get isFull(): boolean {
    return this.#size >= NODES_MAX
  }

  /** The first child of a node; the others follow it. */
  firstChild(node: number, resolution: number): number {
    const known = this.#children[node] as number
    if (known !== UNKNOWN) return known
    const [first, at] = [this.firsts[node] as number, this.#size]
    const pentagon = isPentagon(first)
    for (let digit = 0; digit < DIGITS; digit++)
      if (!pentagon || digit !== DIGIT_OF_NO_PENTAGON) this.#add(childPlace(first, resolution, digit), resolution + 1)
    this.#children[node] = at
    return at
  }

  childCount(node: number): number {
    return isPentagon(this.firsts[node] as number) ? DIGITS - 1 : DIGITS
  }

  #add(first: number, resolution: number): void {
    const node = this.#size++
    if (node === this.firsts.length) this.#grow()
    this.firsts[node] = first
    this.centres.set(unitVector(...cellToLatLng(indexOf(first, resolution))), 3 * node)
  }

  #grow(): void {
    const grown = <A extends Int32Array | Float64Array>(old: A, into: A): A => {
      into.set(old)
      return into
    }
    this.firsts = grown(this.firsts, new Int32Array(2 * this.firsts.length))
    this.centres = grown(this.centres, new Float64Array(2 * this.centres.length))
    this.#children = grown(this.#children, new Int32Array(2 * this.#children.length))
  }
}

/** Of the descendants of a base cell that is a pentagon, those with no digit but 0 are. */
function isPentagon(first: number): boolean {
  return (first & spanOf(0)) === 0 && PENTAGONS.has(baseOf(first))
}
