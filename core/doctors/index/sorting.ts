/** Sorts doctors while loading, in steps between which others may run. */
import type { Keyed } from "./build.ts"
import type { PlaceKey } from "./place-key.ts"
import { Scratch } from "./scratch.ts"

/** What is loaded grows by segments of 64 KiB: nothing is copied, and no estimate of how much will come is needed. */
const SEGMENT_BITS = 14
const SEGMENT_MASK = (1 << SEGMENT_BITS) - 1

/** Items that one step handles: half a millisecond, were each of them the first to write to a page of memory that the system has to find. */
const STEP = 1 << SEGMENT_BITS

/** The keys and specializations of all slots as they are loaded: slots count from 0 without gaps. */
export class LoadedKeys {
  readonly #scratch = new Scratch()
  readonly #high: Column[] = []
  readonly #low: Column[] = []
  readonly #groups: Column[] = []
  #length = 0
  #groupCount = 0

  /** Of what is loaded and what is sorted. */
  get bytes(): number {
    return this.#scratch.bytes
  }

  /** Gives their memory back in steps. */
  release(): Generator<void, void> {
    return this.#scratch.release()
  }

  push({ high, low }: PlaceKey, group: number): void {
    const segment = this.#length >>> SEGMENT_BITS
    const at = this.#length++ & SEGMENT_MASK
    if (at === 0) for (const column of [this.#high, this.#low, this.#groups]) column.push(this.#scratch.take(1 << SEGMENT_BITS))
    ;(this.#high[segment] as Column)[at] = high
    ;(this.#low[segment] as Column)[at] = low
    ;(this.#groups[segment] as Column)[at] = group
    this.#groupCount = Math.max(this.#groupCount, group + 1)
  }

  /** In the order of keys: a radix sort by the digits of slots, then the 24 bits of `low`, then the 28 of `high`. */
  *sorted(): Generator<void, KeyedColumns> {
    const [high, low] = [this.#high, this.#low]
    const passes: [bits: number, keyOf: (slot: number) => number][] = [
      [SLOT_PASS_BITS, (slot) => slotDigits(slot / SLOT_PASS_KEYS ** 2)],
      [SLOT_PASS_BITS, (slot) => slotDigits(slot / SLOT_PASS_KEYS)],
      [SLOT_PASS_BITS, (slot) => slotDigits(slot)],
      [12, (slot) => loadedAt(low, slot) & 0xfff],
      [12, (slot) => loadedAt(low, slot) >>> 12],
      [14, (slot) => loadedAt(high, slot) & 0x3fff],
      [14, (slot) => loadedAt(high, slot) >>> 14],
    ]
    let slots = this.#scratch.take(this.#length)
    yield* number(slots)
    for (const [bits, keyOf] of this.#length > SLOT_PASS_KEYS ** 2 ? passes : passes.slice(1)) {
      const { sorted } = yield* this.#countingSort(slots, 1 << bits, keyOf)
      this.#scratch.give(slots)
      slots = sorted
    }
    return yield* this.#keyed(slots)
  }

  /** The same doctors by specialization, within each in the order they had; and where each specialization begins. What they come from is gone. */
  *grouped(all: KeyedColumns): Generator<void, { keyed: KeyedColumns; starts: Int32Array }> {
    const groups = this.#groups
    const { sorted, starts } = yield* this.#countingSort(all.slots, this.#groupCount, (slot) => loadedAt(groups, slot))
    this.give(all)
    const keyed = yield* this.#keyed(sorted)
    this.#scratch.give(...this.#high, ...this.#low, ...this.#groups)
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

  *#inOrder(values: Column[], order: Column): Generator<void, Column> {
    const ordered = this.#scratch.take(order.length)
    for (let from = 0; from < order.length; from += STEP) {
      gather(values, order, ordered, from)
      yield
    }
    return ordered
  }
}

type Column = Int32Array<ArrayBuffer>

const SLOT_PASS_BITS = 12
const SLOT_PASS_KEYS = 1 << SLOT_PASS_BITS

/** The lower four digits of a slot, the first of them as the highest one: so they are ordered where places are the same. */
const slotDigits = (slot: number) => ((slot & 7) << 9) | ((slot & 0o70) << 3) | ((slot & 0o700) >>> 3) | ((slot & 0o7000) >>> 9)

const loadedAt = (column: Column[], slot: number) => (column[slot >>> SEGMENT_BITS] as Column)[slot & SEGMENT_MASK] as number

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

function gather(values: Column[], order: Int32Array, into: Int32Array, from: number): void {
  const to = Math.min(from + STEP, order.length)
  for (let i = from; i < to; i++) into[i] = loadedAt(values, order[i] as number)
}
