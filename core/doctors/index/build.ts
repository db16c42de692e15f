/** Builds H3 trees from doctors in the order of their keys. */
import { fitBall, fitBallToChildren } from "./balls.ts"
import { COUNT, DEPTH_SHIFT, FIRST, LEAF, type Nodes, PLACES_SHIFT, SHAPE } from "./nodes.ts"
import { LEAF_MAX } from "./page-layout.ts"
import { commonDigits, digitAt } from "./place-key.ts"

/** Keys by position, and whose they are. */
export type Keyed = { high: Int32Array; low: Int32Array; slots: Int32Array }

/** Up to here a node's ball fits its doctors exactly; above, their children's balls. */
export const FIT_MAX = 2_048

/** What a step of building writes at most: a millisecond's half, were none of them in the processor's cache. */
const STEP_DOCTORS = 256

/** Makes `node` the tree of the positions from `from` to before `to`: few of them, for it does so at once. */
export function buildSmall(nodes: Nodes, node: number, keyed: Keyed, from: number, to: number): void {
  if (to - from <= LEAF_MAX) writeLeaf(nodes, node, keyed, from, to)
  else {
    const { first, starts } = writeInner(nodes, node, keyed, from, to)
    for (let i = 0; i < starts.length; i++) buildSmall(nodes, first + i, keyed, starts[i] as number, starts[i + 1] ?? to)
  }
  fitBall(nodes, node)
}

/** As {@link buildSmall}, for any number, in steps that each write no more than STEP_DOCTORS, or fit one node's ball. */
export function* buildInSteps(nodes: Nodes, node: number, keyed: Keyed, from: number, to: number): Generator<void, void> {
  if (to - from <= FIT_MAX) {
    const before = { nodes: nodes.top, units: nodes.pages.extents.top }
    yield* buildFitted(nodes, node, keyed, from, to)
    nodes.leaveRoom(before)
    return
  }
  const { first, starts } = writeInner(nodes, node, keyed, from, to)
  for (let i = 0; i < starts.length; i++) yield* buildInSteps(nodes, first + i, keyed, starts[i] as number, starts[i + 1] ?? to)
  fitBallToChildren(nodes, node)
  yield
}

function* buildFitted(nodes: Nodes, node: number, keyed: Keyed, from: number, to: number): Generator<void, void> {
  if (to - from <= STEP_DOCTORS) buildSmall(nodes, node, keyed, from, to)
  else {
    const { first, starts } = writeInner(nodes, node, keyed, from, to)
    for (let i = 0; i < starts.length; i++) yield* buildFitted(nodes, first + i, keyed, starts[i] as number, starts[i + 1] ?? to)
    fitBall(nodes, node)
  }
  yield
}

/** Unless all keys are known, only the first one's has to be. */
export function writeLeaf(nodes: Nodes, node: number, { high, low, slots }: Keyed, from: number, to: number, known = true): void {
  const { draft } = nodes.pages
  draft.clear()
  // Only doctors of one finest cell can be at one place.
  for (let i = from, cell = from, first = 0; i < to; i++) {
    if (known && (high[i] !== high[cell] || low[i] !== low[cell])) [cell, first] = [i, draft.places]
    draft.add(slots[i] as number, first)
  }
  const shape = leafShape(draft.places)
  writeNode(nodes, node, nodes.pages.write(), to - from, shape, high[from] as number, low[from] as number, slots[from] as number)
}

export const leafShape = (places: number) => LEAF | (places << PLACES_SHIFT)

export function writeNode(
  nodes: Nodes,
  node: number,
  first: number,
  count: number,
  shape: number,
  high: number,
  low: number,
  slot: number,
): void {
  nodes.set(node, FIRST, first)
  nodes.set(node, COUNT, count)
  nodes.set(node, SHAPE, shape)
  nodes.setKey(node, high, low, slot)
}

/** Makes an inner node where the keys first part. Returns its first child, and where each child's positions begin. */
function writeInner(nodes: Nodes, node: number, keyed: Keyed, from: number, to: number): { first: number; starts: number[] } {
  const { high, low, slots } = keyed
  const keyHigh = high[from] as number
  const keyLow = low[from] as number
  const keySlot = slots[from] as number
  const depth = commonDigits(keyHigh, keyLow, keySlot, high[to - 1] as number, low[to - 1] as number, slots[to - 1] as number)
  const starts = childStarts(keyed, depth, from, to)
  const first = nodes.takeNodes(starts.length)
  writeNode(nodes, node, first, to - from, starts.length | (depth << DEPTH_SHIFT), keyHigh, keyLow, keySlot)
  return { first, starts }
}

/** Where a new digit begins. Found by halving, so that a node of many costs little. */
function childStarts({ high, low, slots }: Keyed, depth: number, from: number, to: number): number[] {
  const digit = (i: number) => digitAt(depth, high[i] as number, low[i] as number, slots[i] as number)
  const starts: number[] = []
  for (let start = from; start < to; ) {
    starts.push(start)
    const own = digit(start)
    let same = start
    let beyond = to
    while (beyond - same > 1) {
      const middle = (same + beyond) >>> 1
      if (digit(middle) === own) same = middle
      else beyond = middle
    }
    start = beyond
  }
  return starts
}
