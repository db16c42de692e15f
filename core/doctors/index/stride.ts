import { COUNT, FIRST, type Nodes } from "./nodes.ts"
import type { Records } from "./records.ts"

/** Mean distance of the addresses of doctors who share a leaf of a tree and stand one behind the other. 0 if nobody does. */
export function meanStride(nodes: Nodes, root: number, { address }: Records): number {
  let [sum, count] = [0, 0]
  for (const leaf of leavesOf(nodes, root)) {
    for (let i = 1; i < leaf.length; i++) {
      sum += Math.abs((address[leaf[i] as number] as number) - (address[leaf[i - 1] as number] as number))
      count++
    }
  }
  return count === 0 ? 0 : sum / count
}

function leavesOf(nodes: Nodes, node: number): number[][] {
  if (nodes.isLeaf(node)) return [Array.from({ length: nodes.word(node, COUNT) }, (_, i) => nodes.slotIn(node, i))]
  const [first, length] = [nodes.word(node, FIRST), nodes.lengthOf(node)]
  return Array.from({ length }, (_, i) => leavesOf(nodes, first + i)).flat()
}
