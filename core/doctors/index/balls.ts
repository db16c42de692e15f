/** The bounding balls of an H3 tree's nodes, in three dimensions. */
import { COUNT, FIRST, LEAF, LENGTH_MASK, NODE_WORDS, type Nodes, SHAPE } from "./nodes.ts"
import { ENTRY_REALS, entryOf, segmentOf } from "./pages.ts"

/** Rounding to single precision moves a centre; the radius is measured from where it then is, and made so much larger before rounding. */
const RADIUS_FACTOR = 1 + 2 ** -22
const RADIUS_SLACK = 1e-12

/** Around the entries of all leaves below: the middle of their extremes, and the farthest from it. */
export function fitBall(nodes: Nodes, node: number): void {
  const box = [2, 2, 2, -2, -2, -2] as Box
  extend(nodes, node, box)
  const { balls } = nodes
  const x = Math.fround((box[0] + box[3]) / 2)
  const y = Math.fround((box[1] + box[4]) / 2)
  const z = Math.fround((box[2] + box[5]) / 2)
  balls[4 * node] = x
  balls[4 * node + 1] = y
  balls[4 * node + 2] = z
  balls[4 * node + 3] = roundedUp(Math.sqrt(farthestSquare(nodes, node, x, y, z)))
}

type Box = [number, number, number, number, number, number]

function extend(nodes: Nodes, node: number, box: Box): void {
  const at = node * NODE_WORDS
  const [first, shape] = [nodes.words[at + FIRST] as number, nodes.words[at + SHAPE] as number]
  if ((shape & LEAF) === 0) {
    for (let child = first; child < first + (shape & LENGTH_MASK); child++) extend(nodes, child, box)
    return
  }
  const page = nodes.pages.reals[segmentOf(first)] as Float64Array
  const start = entryOf(first) * ENTRY_REALS
  const end = start + (nodes.words[at + COUNT] as number) * ENTRY_REALS
  for (let i = start; i < end; i += ENTRY_REALS) {
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
  const [first, shape] = [nodes.words[at + FIRST] as number, nodes.words[at + SHAPE] as number]
  let farthest = 0
  if ((shape & LEAF) === 0) {
    for (let child = first; child < first + (shape & LENGTH_MASK); child++) {
      const square = farthestSquare(nodes, child, cx, cy, cz)
      if (square > farthest) farthest = square
    }
    return farthest
  }
  const page = nodes.pages.reals[segmentOf(first)] as Float64Array
  const start = entryOf(first) * ENTRY_REALS
  const end = start + (nodes.words[at + COUNT] as number) * ENTRY_REALS
  for (let i = start; i < end; i += ENTRY_REALS) {
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
  const { balls, words } = nodes
  const first = words[node * NODE_WORDS + FIRST] as number
  const end = first + ((words[node * NODE_WORDS + SHAPE] as number) & LENGTH_MASK)
  const centre = [0, 1, 2].map((axis) => {
    let low = Number.POSITIVE_INFINITY
    let high = Number.NEGATIVE_INFINITY
    for (let child = 4 * first; child < 4 * end; child += 4) {
      low = Math.min(low, (balls[child + axis] as number) - (balls[child + 3] as number))
      high = Math.max(high, (balls[child + axis] as number) + (balls[child + 3] as number))
    }
    return Math.fround((low + high) / 2)
  })
  balls.set(centre, 4 * node)
  let radius = 0
  for (let child = first; child < end; child++)
    radius = Math.max(radius, centreDistance(balls, node, child) + (balls[4 * child + 3] as number))
  balls[4 * node + 3] = roundedUp(radius)
}

function centreDistance(balls: Float32Array, node: number, child: number): number {
  const dx = (balls[4 * node] as number) - (balls[4 * child] as number)
  const dy = (balls[4 * node + 1] as number) - (balls[4 * child + 1] as number)
  const dz = (balls[4 * node + 2] as number) - (balls[4 * child + 2] as number)
  return Math.sqrt(dx * dx + dy * dy + dz * dz)
}

/** Lets the ball grow until the place is in it. True if it had to. */
export function growBall(nodes: Nodes, node: number, x: number, y: number, z: number): boolean {
  const { balls } = nodes
  const dx = x - (balls[4 * node] as number)
  const dy = y - (balls[4 * node + 1] as number)
  const dz = z - (balls[4 * node + 2] as number)
  const distance = Math.sqrt(dx * dx + dy * dy + dz * dz)
  if (distance <= (balls[4 * node + 3] as number)) return false
  balls[4 * node + 3] = roundedUp(distance)
  return true
}

const roundedUp = (radius: number) => radius * RADIUS_FACTOR + RADIUS_SLACK
