/** Sorts doctors while loading, in steps between which others may run. */
import type { Keyed } from "./build.ts"
import type { PlaceKey } from "./place-key.ts"

/** Items that one step handles: well under a millisecond. */
const STEP = 32_768
const GROWTH = 1.5

/** The keys of all slots as they are loaded: slots count from 0 without gaps. */
export class LoadedKeys {
  #high: Int32Array
  #low: Int32Array
  #length = 0

  constructor(expected: number) {
    this.#high = new Int32Array(expected)
    this.#low = new Int32Array(expected)
  }

  push({ high, low }: PlaceKey): void {
    if (this.#length === this.#high.length) {
      const capacity = Math.ceil((this.#length + STEP) * GROWTH)
      this.#high = grown(this.#high, capacity)
      this.#low = grown(this.#low, capacity)
    }
    this.#high[this.#length] = high
    this.#low[this.#length++] = low
  }

  /** In the order of keys: a radix sort by the 24 bits of `low`, then the 28 of `high`. */
  *sorted(): Generator<void, Keyed> {
    const [high, low] = [this.#high, this.#low]
    let slots = new Int32Array(this.#length)
    for (let i = 0; i < slots.length; i++) slots[i] = i
    slots = yield* countingSort(slots, 1 << 12, (slot) => (low[slot] as number) & 0xfff)
    slots = yield* countingSort(slots, 1 << 12, (slot) => (low[slot] as number) >>> 12)
    slots = yield* countingSort(slots, 1 << 14, (slot) => (high[slot] as number) & 0x3fff)
    slots = yield* countingSort(slots, 1 << 14, (slot) => (high[slot] as number) >>> 14)
    return { slots, high: yield* inOrder(high, slots), low: yield* inOrder(low, slots) }
  }
}

/** The same doctors by group, within each group in the order they had; and where each group begins. */
export function* grouped(
  keyed: Keyed,
  groups: number,
  groupOf: (slot: number) => number,
): Generator<void, { keyed: Keyed; starts: Int32Array }> {
  const positions = new Int32Array(keyed.slots.length)
  for (let i = 0; i < positions.length; i++) positions[i] = i
  const groupAt = (position: number) => groupOf(keyed.slots[position] as number)
  const order = yield* countingSort(positions, groups, groupAt)
  const [high, low] = [yield* inOrder(keyed.high, order), yield* inOrder(keyed.low, order)]
  const slots = yield* inOrder(keyed.slots, order)
  const starts = new Int32Array(groups + 1).fill(slots.length)
  for (let i = slots.length - 1; i >= 0; i--) starts[groupOf(slots[i] as number)] = i
  for (let group = groups - 1; group >= 0; group--) starts[group] = Math.min(starts[group] as number, starts[group + 1] as number)
  return { keyed: { high, low, slots }, starts }
}

function* countingSort(items: Int32Array, keys: number, keyOf: (item: number) => number): Generator<void, Int32Array<ArrayBuffer>> {
  const next = new Int32Array(keys + 1)
  for (let from = 0; from < items.length; from += STEP) {
    count(items, from, next, keyOf)
    yield
  }
  for (let key = 1; key <= keys; key++) next[key] = (next[key] as number) + (next[key - 1] as number)
  const sorted = new Int32Array(items.length)
  for (let from = 0; from < items.length; from += STEP) {
    distribute(items, from, next, keyOf, sorted)
    yield
  }
  return sorted
}

function count(items: Int32Array, from: number, next: Int32Array, keyOf: (item: number) => number): void {
  const to = Math.min(from + STEP, items.length)
  for (let i = from; i < to; i++) {
    const key = keyOf(items[i] as number) + 1
    next[key] = (next[key] as number) + 1
  }
}

function distribute(items: Int32Array, from: number, next: Int32Array, keyOf: (item: number) => number, into: Int32Array): void {
  const to = Math.min(from + STEP, items.length)
  for (let i = from; i < to; i++) {
    const item = items[i] as number
    const key = keyOf(item)
    const place = next[key] as number
    next[key] = place + 1
    into[place] = item
  }
}

function* inOrder(values: Int32Array, order: Int32Array): Generator<void, Int32Array<ArrayBuffer>> {
  const ordered = new Int32Array(order.length)
  for (let from = 0; from < order.length; from += STEP) {
    gather(values, order, ordered, from)
    yield
  }
  return ordered
}

function gather(values: Int32Array, order: Int32Array, into: Int32Array, from: number): void {
  const to = Math.min(from + STEP, order.length)
  for (let i = from; i < to; i++) into[i] = values[order[i] as number] as number
}

function grown(column: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length)
  larger.set(column)
  return larger
}
