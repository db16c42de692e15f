/** Sorts doctors while loading, in steps between which others may run. */
import type { Keyed } from "./build.ts"
import type { PlaceKey } from "./place-key.ts"

/** Items that one step handles: well under a millisecond. */
const STEP = 32_768
const GROWTH = 1.5

/** The keys and specializations of all slots as they are loaded: slots count from 0 without gaps. */
export class LoadedKeys {
  #high: Int32Array<ArrayBuffer>
  #low: Int32Array<ArrayBuffer>
  #groups: Int32Array<ArrayBuffer>
  #length = 0
  #groupCount = 0

  constructor(expected: number) {
    this.#high = new Int32Array(expected)
    this.#low = new Int32Array(expected)
    this.#groups = new Int32Array(expected)
  }

  push({ high, low }: PlaceKey, group: number): void {
    if (this.#length === this.#high.length) {
      const capacity = Math.ceil((this.#length + STEP) * GROWTH)
      this.#high = grown(this.#high, capacity)
      this.#low = grown(this.#low, capacity)
      this.#groups = grown(this.#groups, capacity)
    }
    this.#groups[this.#length] = group
    this.#groupCount = Math.max(this.#groupCount, group + 1)
    this.#high[this.#length] = high
    this.#low[this.#length++] = low
  }

  /** In the order of keys: a radix sort by the 24 bits of `low`, then the 28 of `high`. */
  *sorted(): Generator<void, Keyed> {
    const [high, low] = [this.#high, this.#low]
    const passes: [bits: number, keyOf: (slot: number) => number][] = [
      [12, (slot) => (low[slot] as number) & 0xfff],
      [12, (slot) => (low[slot] as number) >>> 12],
      [14, (slot) => (high[slot] as number) & 0x3fff],
      [14, (slot) => (high[slot] as number) >>> 14],
    ]
    let slots = yield* upTo(this.#length)
    for (const [bits, keyOf] of passes) {
      const { sorted } = yield* countingSort(slots, 1 << bits, keyOf)
      free(slots)
      slots = sorted
    }
    return yield* this.#keyed(slots)
  }

  /** The same doctors by specialization, within each in the order they had; and where each specialization begins. What they come from is gone. */
  *grouped(all: Keyed): Generator<void, { keyed: Keyed; starts: Int32Array }> {
    const groups = this.#groups
    const { sorted, starts } = yield* countingSort(all.slots, this.#groupCount, (slot) => groups[slot] as number)
    freeKeys(all)
    const keyed = yield* this.#keyed(sorted)
    for (const column of [this.#high, this.#low, this.#groups]) free(column)
    return { keyed, starts }
  }

  *#keyed(slots: Int32Array<ArrayBuffer>): Generator<void, Keyed> {
    return { slots, high: yield* inOrder(this.#high, slots), low: yield* inOrder(this.#low, slots) }
  }
}

/** Gives memory back at once: the collector comes to it some seconds later. */
function free(column: Int32Array): void {
  ;(column.buffer as ArrayBuffer).transfer(0)
}

export function freeKeys({ high, low, slots }: Keyed): void {
  for (const column of [high, low, slots]) free(column)
}

function* upTo(length: number): Generator<void, Int32Array<ArrayBuffer>> {
  const numbers = new Int32Array(length)
  for (let from = 0; from < length; from += STEP) {
    for (let i = from; i < Math.min(from + STEP, length); i++) numbers[i] = i
    yield
  }
  return numbers
}

type Sorted = { sorted: Int32Array<ArrayBuffer> /** By key: where it begins; and at last, the end. */; starts: Int32Array }

function* countingSort(items: Int32Array, keys: number, keyOf: (item: number) => number): Generator<void, Sorted> {
  const next = new Int32Array(keys + 1)
  for (let from = 0; from < items.length; from += STEP) {
    count(items, from, next, keyOf)
    yield
  }
  for (let key = 1; key <= keys; key++) next[key] = (next[key] as number) + (next[key - 1] as number)
  const starts = next.slice()
  const sorted = new Int32Array(items.length)
  for (let from = 0; from < items.length; from += STEP) {
    distribute(items, from, next, keyOf, sorted)
    yield
  }
  return { sorted, starts }
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
