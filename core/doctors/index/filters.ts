/** What a query asks of a doctor beside place and specialization, made ready to be asked of many. */

import { fold } from "../../text.ts"
import type { SearchQuery } from "../search/schema.ts"
import { chunkOf, UNIT_BYTES, unitOf } from "./arena.ts"
import { FEE_ELSEWHERE, FEE_STEPS } from "./content.ts"
import { NAME_AT } from "./listed-doctor.ts"
import { CLINIC_MASK, HAS_FOLDS, JSON_AT, LENGTH, LENGTH_MASK, SHAPE } from "./record-layout.ts"
import type { Records } from "./records.ts"
import { addSignature } from "./signature.ts"

const QUOTE = 34
const UPPER_A = 65
const UPPER_Z = 90
const TO_LOWER = 32

export class Filters {
  readonly #records: Records
  /** In steps; a fee is looked up where it is {@link FEE_ELSEWHERE}. */
  #feeFrom = 0
  #feeTo = FEE_ELSEWHERE
  #minFee = 0
  #maxFee = Number.POSITIVE_INFINITY
  #city = -1
  /** Than about fees. */
  #asksMore = false
  #name: Uint8Array | undefined
  #clinicName: Uint8Array | undefined
  readonly #signature = new Int32Array(4)

  constructor(records: Records) {
    this.#records = records
  }

  /** Makes ready. False if there is nothing to ask: everyone passes. `city` is its number, −1 for any. */
  prepare(q: SearchQuery, city: number): boolean {
    const asksForNames = q.name !== undefined || q.clinicName !== undefined
    if (!asksForNames && city < 0 && q.minFee === undefined && q.maxFee === undefined) return false
    this.#city = city
    this.#minFee = q.minFee ?? 0
    this.#maxFee = q.maxFee ?? Number.POSITIVE_INFINITY
    this.#feeFrom = q.minFee === undefined ? 0 : leastSteps(q.minFee)
    this.#feeTo = q.maxFee === undefined ? FEE_ELSEWHERE : mostSteps(q.maxFee)
    if (asksForNames) this.#signature.fill(0)
    this.#name = this.#part(q.name, 0)
    this.#clinicName = this.#part(q.clinicName, 2)
    this.#asksMore = this.#name !== undefined || this.#clinicName !== undefined || city >= 0
    return this.#asksMore || q.minFee !== undefined || q.maxFee !== undefined
  }

  #part(part: string | undefined, at: number): Uint8Array | undefined {
    const folded = part === undefined ? "" : fold(part)
    if (folded === "") return undefined
    addSignature(folded, this.#signature, at)
    return Buffer.from(folded)
  }

  /**
   * Of so many doctors, no more than a word has bits, whose slots stand from a word on, and their fees `feesBehind` words on: a bit of each who passes, the
   * first one's the lowest. No slot is read before it is needed.
   */
  passing(words: Int32Array, first: number, count: number, feesBehind: number): number {
    const from = this.#feeFrom
    const to = this.#feeTo
    const asksMore = this.#asksMore
    let mask = 0
    for (let i = 0; i < count; i++) {
      const fee = words[first + i + feesBehind] as number
      if (fee === FEE_ELSEWHERE ? !this.#feePasses(words[first + i] as number) : fee < from || fee > to) continue
      if (!asksMore || this.#restPasses(words[first + i] as number)) mask |= 1 << i
    }
    return mask
  }

  #restPasses(slot: number): boolean {
    if (this.#city >= 0 && this.#records.city[slot] !== this.#city) return false
    if (this.#name === undefined && this.#clinicName === undefined) return true
    const [asked, has, at] = [this.#signature, this.#records.signatures, 4 * slot]
    for (let i = 0; i < 4; i++) if (((asked[i] as number) & ~(has[at + i] as number)) !== 0) return false
    return this.#namesPass(slot)
  }

  #feePasses(slot: number): boolean {
    const { consultationFee } = JSON.parse(`${Buffer.from(this.#records.json(slot)).toString()}}`) as { consultationFee: number }
    return consultationFee >= this.#minFee && consultationFee <= this.#maxFee
  }

  #namesPass(slot: number): boolean {
    const address = this.#records.address[slot] as number
    const bytes = this.#records.arena.bytes[chunkOf(address)] as Buffer
    const length = this.#records.word(slot, LENGTH)
    const start = unitOf(address) * UNIT_BYTES + JSON_AT
    if ((length & HAS_FOLDS) === 0) {
      const clinicAt = this.#records.word(slot, SHAPE) & CLINIC_MASK
      return (
        (this.#name === undefined || contains(bytes, start + NAME_AT, QUOTE, this.#name, TO_LOWER)) &&
        (this.#clinicName === undefined || contains(bytes, start + clinicAt, QUOTE, this.#clinicName, TO_LOWER))
      )
    }
    const folds = start + (length & LENGTH_MASK)
    return (
      (this.#name === undefined || contains(bytes, folds, 0, this.#name, 0)) &&
      (this.#clinicName === undefined || contains(bytes, bytes.indexOf(0, folds) + 1, 0, this.#clinicName, 0))
    )
  }
}

/** Whether the text that ends before `end` has the part in it. `toLower` is what an upper case letter of ASCII lacks to be found. */
function contains(bytes: Uint8Array, start: number, end: number, part: Uint8Array, toLower: number): boolean {
  for (let at = start; bytes[at] !== end; at++) {
    let i = 0
    for (; i < part.length; i++) {
      const byte = bytes[at + i] as number
      if (byte === end || (byte >= UPPER_A && byte <= UPPER_Z ? byte + toLower : byte) !== part[i]) break
    }
    if (i === part.length) return true
  }
  return false
}

/** The fewest steps that are no less than a fee. A double divided by a whole number is rounded once: exact fees compare exactly. */
function leastSteps(fee: number): number {
  let steps = Math.min(Math.floor(fee * FEE_STEPS), FEE_ELSEWHERE)
  while (steps > 0 && (steps - 1) / FEE_STEPS >= fee) steps--
  while (steps < FEE_ELSEWHERE && steps / FEE_STEPS < fee) steps++
  return steps
}

function mostSteps(fee: number): number {
  let steps = Math.min(Math.ceil(fee * FEE_STEPS), FEE_ELSEWHERE)
  while (steps < FEE_ELSEWHERE && (steps + 1) / FEE_STEPS <= fee) steps++
  while (steps >= 0 && steps / FEE_STEPS > fee) steps--
  return steps
}
