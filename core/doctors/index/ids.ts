/**
 * From a doctor's id to its slot: open addressing, in shares that grow one at a time, so that growing never takes long. The
 * ids themselves stand in the doctors' blocks.
 */
import { FNV_OFFSET, FNV_PRIME } from "./fnv.ts"
import { ID_BYTES } from "./listed-doctor.ts"

const SHARE_BITS = 10
const SHARES = 1 << SHARE_BITS
const FIRST_SHARE = 4
const SHARE_SHIFT = 32 - SHARE_BITS
/** Of a share's places, in use at most. */
const LOAD_MAX = 0.6
/** Of an id: thirteen digits of four bits, and two hyphens. */
const START_BYTES = 15
const HYPHEN = 45
/** A share that nobody has come to yet. */
const NOBODY = new Int32Array(1)

export class Ids {
  readonly #idByte: (slot: number, at: number) => number
  /** By share: slot + 1, or 0. */
  readonly #shares: Int32Array[]
  readonly #counts = new Int32Array(SHARES)
  /** Of a share when the first one comes: to make them all at once would hold everyone up. */
  readonly #firstPlaces: number

  constructor(idByte: (slot: number, at: number) => number, expected: number) {
    this.#idByte = idByte
    let places = FIRST_SHARE
    while (places * LOAD_MAX * SHARES < expected) places *= 2
    this.#firstPlaces = places
    this.#shares = new Array<Int32Array>(SHARES).fill(NOBODY)
  }

  get bytes(): number {
    return this.#shares.reduce((sum, share) => sum + (share === NOBODY ? 0 : share.byteLength), 0)
  }

  /** The slot, or −1. */
  find(id: string): number {
    const hash = hashOf(id)
    const share = this.#shares[hash >>> SHARE_SHIFT] as Int32Array
    return (share[this.#placeOf(share, hash, id)] as number) - 1
  }

  /** Of a doctor whose block is written. Throws if the id is listed already. A load adds millions: no text is made of an id. */
  add(slot: number): void {
    const hash = this.#hashOfSlot(slot)
    const number = hash >>> SHARE_SHIFT
    if ((this.#counts[number] as number) + 1 > (this.#shares[number] as Int32Array).length * LOAD_MAX) this.#growShare(number)
    const share = this.#shares[number] as Int32Array
    const mask = share.length - 1
    let place = hash & mask
    for (; share[place] !== 0; place = (place + 1) & mask)
      if (this.#areEqual((share[place] as number) - 1, slot)) throw new Error(`doctor ${this.#textOf(slot)} is listed already`)
    share[place] = slot + 1
    this.#counts[number] = (this.#counts[number] as number) + 1
  }

  /** Of all ids, in no order. */
  *slots(): Generator<number, void> {
    for (const share of this.#shares) for (const entry of share) if (entry !== 0) yield entry - 1
  }

  /** The id must be listed, and its doctor's block still be there. */
  delete(id: string): void {
    const hash = hashOf(id)
    const share = this.#shares[hash >>> SHARE_SHIFT] as Int32Array
    const mask = share.length - 1
    let hole = this.#placeOf(share, hash, id)
    this.#counts[hash >>> SHARE_SHIFT] = (this.#counts[hash >>> SHARE_SHIFT] as number) - 1
    // Whoever stands behind the hole and would have stood in it moves up, so that no search ends at it too early.
    for (let place = (hole + 1) & mask; share[place] !== 0; place = (place + 1) & mask) {
      const home = this.#hashOfSlot((share[place] as number) - 1) & mask
      if (((place - home) & mask) < ((place - hole) & mask)) continue
      share[hole] = share[place] as number
      hole = place
    }
    share[hole] = 0
  }

  #placeOf(share: Int32Array, hash: number, id: string): number {
    const mask = share.length - 1
    let place = hash & mask
    while (share[place] !== 0 && !this.#isId((share[place] as number) - 1, id)) place = (place + 1) & mask
    return place
  }

  #isId(slot: number, id: string): boolean {
    if (id.length !== ID_BYTES) return false
    // From the end, where ids made in one millisecond differ.
    for (let i = ID_BYTES - 1; i >= 0; i--) if (this.#idByte(slot, i) !== id.charCodeAt(i)) return false
    return true
  }

  #areEqual(slot1: number, slot2: number): boolean {
    for (let i = ID_BYTES - 1; i >= 0; i--) if (this.#idByte(slot1, i) !== this.#idByte(slot2, i)) return false
    return true
  }

  #textOf(slot: number): string {
    return String.fromCharCode(...Array.from({ length: ID_BYTES }, (_, at) => this.#idByte(slot, at)))
  }

  #hashOfSlot(slot: number): number {
    let hash = FNV_OFFSET
    for (let i = 0; i < ID_BYTES; i++) hash = Math.imul(hash ^ this.#idByte(slot, i), FNV_PRIME)
    return mixed(hash)
  }

  #growShare(number: number): void {
    const old = this.#shares[number] as Int32Array
    const larger = new Int32Array(old === NOBODY ? this.#firstPlaces : old.length * 2)
    for (const entry of old) if (entry !== 0) put(larger, this.#hashOfSlot(entry - 1), entry)
    this.#shares[number] = larger
  }
}

/** The first digits of the id that stands at `from`, as many as a double holds: ids whose starts differ are ordered as these are. */
export function idStart(bytes: Uint8Array, from: number): number {
  let start = 0
  for (let at = from; at < from + START_BYTES; at++) {
    const byte = bytes[at] as number
    // 0 to 9, and a to f.
    if (byte !== HYPHEN) start = start * 16 + (byte & 15) + 9 * (byte >>> 6)
  }
  return start
}

function put(share: Int32Array, hash: number, entry: number): void {
  const mask = share.length - 1
  let place = hash & mask
  while (share[place] !== 0) place = (place + 1) & mask
  share[place] = entry
}

function hashOf(id: string): number {
  let hash = FNV_OFFSET
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), FNV_PRIME)
  return mixed(hash)
}

/** Shares go by its upper bits, places by its lower ones. */
function mixed(hash: number): number {
  const h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (h ^ (h >>> 13)) >>> 0
}
