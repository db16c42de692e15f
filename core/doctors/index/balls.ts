/** The bounding balls of an H3 tree's nodes, in three dimensions. */
import { CENTRE, FIRST, LEAF, LENGTH_MASK, NODE_WORDS, type Nodes, PLACES_SHIFT, RADIUS, SHAPE } from "./nodes.ts"
import { PLACE_REALS } from "./page-layout.ts"
import { placesAt, segmentOf } from "./pages.ts"

/** Rounding to single precision moves a centre; the radius is measured from where it then is, and made so much larger before rounding. */
const RADIUS_FACTOR = 1 + 2 ** -22
const RADIUS_SLACK = 1e-12

/** Around the places of all leaves below: the middle of their extremes, and the farthest from it. */
export function fitBall(nodes: Nodes, node: number): void {
  const box = [2, 2, 2, -2, -2, -2] as Box
  extend(nodes, node, box)
  const x = Math.fround((box[0] + box[3]) / 2)
  const y = Math.fround((box[1] + box[4]) / 2)
  const z = Math.fround((box[2] + box[5]) / 2)
  const at = node * NODE_WORDS
  nodes.reals[at + CENTRE] = x
  nodes.reals[at + CENTRE + 1] = y
  nodes.reals[at + CENTRE + 2] = z
  nodes.reals[at + RADIUS] = roundedUp(Math.sqrt(farthestSquare(nodes, node, x, y, z)))
  nodes.wrote(node)
}

type Box = [number, number, number, number, number, number]

function extend(nodes: Nodes, node: number, box: Box): void {
  const at = node * NODE_WORDS
  const first = nodes.words[at + FIRST] as number
  const shape = nodes.words[at + SHAPE] as number
  if ((shape & LEAF) === 0) {
    for (let child = first; child < first + (shape & LENGTH_MASK); child++) extend(nodes, child, box)
    return
  }
  const page = nodes.pages.reals[segmentOf(first)] as Float64Array
  const places = shape >>> PLACES_SHIFT
  const start = placesAt(first, places)
  const end = start + places * PLACE_REALS
  for (let i = start; i < end; i += PLACE_REALS) {
    const x = page[i] as number
    const y = page[i + 1] as number
    const z = page[i + 2] as number
    if (x < box[0]) box[0] = x
    if (y < box[1]) box[1] = y
    if (z < box[2]) box[2] = z
    if (x > box[3]) box[3] = x
    if (y > box[4]) box[4] = y
    if (z > box[5]) box[5] = z
  }
}

function farthestSquare(nodes: Nodes, node: number, cx: number, cy: number, cz: number): number {
  const at = node * NODE_WORDS
  const first = nodes.words[at + FIRST] as number
  const shape = nodes.words[at + SHAPE] as number
  let farthest = 0
  if ((shape & LEAF) === 0) {
    for (let child = first; child < first + (shape & LENGTH_MASK); child++) {
      const square = farthestSquare(nodes, child, cx, cy, cz)
      if (square > farthest) farthest = square
    }
    return farthest
  }
  const page = nodes.pages.reals[segmentOf(first)] as Float64Array
  const places = shape >>> PLACES_SHIFT
  const start = placesAt(first, places)
  const end = start + places * PLACE_REALS
  for (let i = start; i < end; i += PLACE_REALS) {
    const dx = (page[i] as number) - cx
    const dy = (page[i + 1] as number) - cy
    const dz = (page[i + 2] as number) - cz
    const square = dx * dx + dy * dy + dz * dz
    if (square > farthest) farthest = square
  }
  return farthest
}

/** Around the balls of the children: looser, for nodes with many doctors. */
export function fitBallToChildren(nodes: Nodes, node: number): void {
  const { reals } = nodes
  const first = nodes.word(node, FIRST) * NODE_WORDS
  const end = first + nodes.lengthOf(node) * NODE_WORDS
  const at = node * NODE_WORDS
  for (let axis = CENTRE; axis < CENTRE + 3; axis++) {
    let low = Number.POSITIVE_INFINITY
    let high = Number.NEGATIVE_INFINITY
    for (let child = first; child < end; child += NODE_WORDS) {
      low = Math.min(low, (reals[child + axis] as number) - (reals[child + RADIUS] as number))
      high = Math.max(high, (reals[child + axis] as number) + (reals[child + RADIUS] as number))
    }
    reals[at + axis] = (low + high) / 2
  }
  let radius = 0
  for (let child = first; child < end; child += NODE_WORDS)
    radius = Math.max(radius, centreDistance(reals, at, child) + (reals[child + RADIUS] as number))
  reals[at + RADIUS] = roundedUp(radius)
  nodes.wrote(node)
}

function centreDistance(reals: Float32Array, node: number, child: number): number {
  const dx = (reals[node + CENTRE] as number) - (reals[child + CENTRE] as number)
  const dy = (reals[node + CENTRE + 1] as number) - (reals[child + CENTRE + 1] as number)
  const dz = (reals[node + CENTRE + 2] as number) - (reals[child + CENTRE + 2] as number)
  return Math.sqrt(dx * dx + dy * dy + dz * dz)
}

/** Lets the ball grow until the place is in it. True if it had to. */
export function growBall(nodes: Nodes, node: number, x: number, y: number, z: number): boolean {
  const { reals } = nodes
  const at = node * NODE_WORDS
  const dx = x - (reals[at + CENTRE] as number)
  const dy = y - (reals[at + CENTRE + 1] as number)
  const dz = z - (reals[at + CENTRE + 2] as number)
  const distance = Math.sqrt(dx * dx + dy * dy + dz * dz)
  if (distance <= (reals[at + RADIUS] as number)) return false
  reals[at + RADIUS] = roundedUp(distance)
  nodes.wrote(node)
  return true
}

const roundedUp = (radius: number) => radius * RADIUS_FACTOR + RADIUS_SLACK
