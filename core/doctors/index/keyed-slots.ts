import type { Keyed } from "./build.ts"
import { bySlotDigits, type PlaceKey, placeKey } from "./place-key.ts"
import { LATITUDE, LONGITUDE } from "./record-layout.ts"
import type { Records } from "./records.ts"

/** A few doctors on their way from one node to others. */
export class KeyedSlots implements Keyed {
  readonly high: Int32Array
  readonly low: Int32Array
  readonly slots: Int32Array
  readonly #records: Records
  readonly #places = new PlaceKeys()
  length = 0

  constructor(records: Records, most: number) {
    this.#records = records
    this.high = new Int32Array(most)
    this.low = new Int32Array(most)
    this.slots = new Int32Array(most)
  }

  clear(): void {
    this.length = 0
  }

  push(slot: number): void {
    this.slots[this.length++] = slot
  }

  /** The first one's key, as it is known. */
  set(high: number, low: number, slot: number): void {
    this.high[0] = high
    this.low[0] = low
    this.slots[0] = slot
  }

  /** Finds all keys, and brings the doctors into their order. */
  sort(): void {
    const keyed = Array.from(this.slots.subarray(0, this.length), (slot) => ({
      slot,
      key: this.#places.of(this.#records.real(slot, LATITUDE), this.#records.real(slot, LONGITUDE)),
    }))
    keyed.sort((a, b) => a.key.high - b.key.high || a.key.low - b.key.low || bySlotDigits(a.slot, b.slot))
    for (const [i, { slot, key }] of keyed.entries()) {
      this.slots[i] = slot
      this.high[i] = key.high
      this.low[i] = key.low
    }
  }
}

/** Finds keys, the last one without effort: colleagues come one after the other. */
export class PlaceKeys {
  #latitude = Number.NaN
  #longitude = Number.NaN
  #key: PlaceKey = { high: 0, low: 0 }

  of(latitude: number, longitude: number): PlaceKey {
    if (latitude !== this.#latitude || longitude !== this.#longitude) {
      this.#key = placeKey(latitude, longitude)
      this.#latitude = latitude
      this.#longitude = longitude
    }
    return this.#key
  }
}
