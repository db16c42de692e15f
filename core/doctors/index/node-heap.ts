/** Nodes by how near they may be: a binary heap, the nearest on top. It is never shrunk, so that a search allocates nothing. */
const FIRST_CAPACITY = 256

export class NodeHeap {
  keys = new Float64Array(FIRST_CAPACITY)
  nodes = new Int32Array(FIRST_CAPACITY)
  size = 0

  push(key: number, node: number): void {
    if (this.size === this.keys.length) this.#grow()
    const { keys, nodes } = this
    let i = this.size++
    while (i > 0) {
      const parent = (i - 1) >> 1
      const parentKey = keys[parent] as number
      if (parentKey <= key) break
      keys[i] = parentKey
      nodes[i] = nodes[parent] as number
      i = parent
    }
    keys[i] = key
    nodes[i] = node
  }

  /** Drops the top. */
  pop(): void {
    const { keys, nodes } = this
    const size = --this.size
    const key = keys[size] as number
    const node = nodes[size] as number
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= size) break
      if (child + 1 < size && (keys[child + 1] as number) < (keys[child] as number)) child++
      const childKey = keys[child] as number
      if (childKey >= key) break
      keys[i] = childKey
      nodes[i] = nodes[child] as number
      i = child
    }
    keys[i] = key
    nodes[i] = node
  }

  #grow(): void {
    const [keys, nodes] = [new Float64Array(this.keys.length * 2), new Int32Array(this.keys.length * 2)]
    keys.set(this.keys)
    nodes.set(this.nodes)
    this.keys = keys
    this.nodes = nodes
  }
}
