/** Sorts doctors while loading, in steps between which others may run. */
import type { Keyed } from "./build.ts"
import type { PlaceKey } from "./place-key.ts"
import { Scratch } from "./scratch.ts"

/** Items that one step handles: well under a millisecond. */
const STEP = 32_768
const GROWTH = 1.5

/** The keys and specializations of all slots as they are loaded: slots count from 0 without gaps. */
export class LoadedKeys {
  readonly #scratch = new Scratch()
  #high: Column
  #low: Column
  #groups: Column
  #length = 0
  #groupCount = 0

  constructor(expected: number) {
    this.#high = this.#scratch.take(expected)
    this.#low = this.#scratch.take(expected)
    this.#groups = this.#scratch.take(expected)
  }

  /** Of what is loaded and what is sorted. */
  get bytes(): number {
    return this.#scratch.bytes
  }

  push({ high, low }: PlaceKey, group: number): void {
    if (this.#length === this.#high.length) {
      const capacity = Math.ceil((this.#length + STEP) * GROWTH)
      this.#high = this.#grown(this.#high, capacity)
      this.#low = this.#grown(this.#low, capacity)
      this.#groups = this.#grown(this.#groups, capacity)
    }
    this.#groups[this.#length] = group
    this.#groupCount = Math.max(this.#groupCount, group + 1)
    this.#high[this.#length] = high
    this.#low[this.#length++] = low
  }

  /** In the order of keys: a radix sort by the 24 bits of `low`, then the 28 of `high`. */
  *sorted(): Generator<void, KeyedColumns> {
    const [high, low] = [this.#high, this.#low]
    const passes: [bits: number, keyOf: (slot: number) => number][] = [
      [12, (slot) => (low[slot] as number) & 0xfff],
      [12, (slot) => (low[slot] as number) >>> 12],
      [14, (slot) => (high[slot] as number) & 0x3fff],
      [14, (slot) => (high[slot] as number) >>> 14],
    ]
    let slots = this.#scratch.take(this.#length)
    yield* number(slots)
    for (const [bits, keyOf] of passes) {
      const { sorted } = yield* this.#countingSort(slots, 1 << bits, keyOf)
      this.#scratch.give(slots)
      slots = sorted
    }
    return yield* this.#keyed(slots)
  }

  /** The same doctors by specialization, within each in the order they had; and where each specialization begins. What they come from is gone. */
  *grouped(all: KeyedColumns): Generator<void, { keyed: KeyedColumns; starts: Int32Array }> {
    const groups = this.#groups
    const { sorted, starts } = yield* this.#countingSort(all.slots, this.#groupCount, (slot) => groups[slot] as number)
    this.give(all)
    const keyed = yield* this.#keyed(sorted)
    this.#scratch.give(this.#high, this.#low, this.#groups)
    return { keyed, starts }
  }

  give({ high, low, slots }: KeyedColumns): void {
    this.#scratch.give(high, low, slots)
  }

  *#keyed(slots: Column): Generator<void, KeyedColumns> {
    return { slots, high: yield* this.#inOrder(this.#high, slots), low: yield* this.#inOrder(this.#low, slots) }
  }

  *#countingSort(items: Column, keys: number, keyOf: (item: number) => number): Generator<void, Sorted> {
    const next = new Int32Array(keys + 1)
    for (let from = 0; from < items.length; from += STEP) {
      count(items, from, next, keyOf)
      yield
    }
    for (let key = 1; key <= keys; key++) next[key] = (next[key] as number) + (next[key - 1] as number)
    const starts = next.slice()
    const sorted = this.#scratch.take(items.length)
    for (let from = 0; from < items.length; from += STEP) {
      distribute(items, from, next, keyOf, sorted)
      yield
    }
    return { sorted, starts }
  }

  *#inOrder(values: Column, order: Column): Generator<void, Column> {
    const ordered = this.#scratch.take(order.length)
    for (let from = 0; from < order.length; from += STEP) {
      gather(values, order, ordered, from)
      yield
    }
    return ordered
  }

  #grown(column: Column, length: number): Column {
    const larger = this.#scratch.take(length)
    larger.set(column)
    this.#scratch.give(column)
    return larger
  }
}

type Column = Int32Array<ArrayBuffer>
export type KeyedColumns = Keyed & { high: Column; low: Column; slots: Column }
type Sorted = { sorted: Column /** By key: where it begins; and at last, the end. */; starts: Int32Array }

function* number(slots: Int32Array): Generator<void, void> {
  for (let from = 0; from < slots.length; from += STEP) {
    for (let i = from; i < Math.min(from + STEP, slots.length); i++) slots[i] = i
    yield
  }
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

function gather(values: Int32Array, order: Int32Array, into: Int32Array, from: number): void {
  const to = Math.min(from + STEP, order.length)
  for (let i = from; i < to; i++) into[i] = values[order[i] as number] as number
}
