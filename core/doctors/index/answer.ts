/** Writes an answer's JSON out of the doctors' bytes. */

import { TOTAL_MAX } from "../../pages.ts"
import { chunkOf, UNIT_BYTES, unitOf } from "./arena.ts"
import type { Best } from "./best.ts"
import { exactMetres, metresOf } from "./exact.ts"
import { JSON_AT, LATITUDE, LENGTH, LENGTH_MASK, LONGITUDE } from "./record-layout.ts"
import type { Records } from "./records.ts"

const OPENING = Buffer.from('{"data":[')
const DISTANCE = Buffer.from(',"distanceKm":')
const BRACE = 125
const COMMA = 44
const POINT = 46
const ZERO = 48
const METRES_PER_KM = 1_000
/** Rows of a page. */
const ROWS_MAX = 100

/** Room for a page of usual doctors. */
const FIRST_ROOM = 64 * 1024

export class AnswerWriter {
  readonly #records: Records
  /** Written over by every answer: new memory each time would take longer than all the rest. */
  #room = Buffer.alloc(FIRST_ROOM)
  readonly #metres = new Int32Array(ROWS_MAX)

  constructor(records: Records) {
    this.#records = records
  }

  /** Of the best from `from` on, whose distances are from the given place. Good until the next call. */
  write(best: Best, from: number, page: number, limit: number, hits: number, latitude: number, longitude: number): Uint8Array<ArrayBuffer> {
    const rows = Math.max(0, best.size - from)
    const total = `],"page":${page},"limit":${limit},"total":${Math.min(hits, TOTAL_MAX)},"totalIsExact":${hits <= TOTAL_MAX}}`
    let length = OPENING.length + total.length + (rows > 0 ? rows * (DISTANCE.length + 2) - 1 : 0)
    for (let row = 0; row < rows; row++) {
      const slot = best.slots[from + row] as number
      const metres = this.#metresTo(slot, best.squares[from + row] as number, latitude, longitude)
      this.#metres[row] = metres
      length += (this.#records.word(slot, LENGTH) & LENGTH_MASK) + lengthOf(metres)
    }
    if (length > this.#room.length) this.#room = Buffer.alloc(2 * length)
    const bytes = this.#room
    OPENING.copy(bytes)
    let at = OPENING.length
    for (let row = 0; row < rows; row++) {
      if (row > 0) bytes[at++] = COMMA
      at = this.#copyDoctor(best.slots[from + row] as number, bytes, at)
      for (let i = 0; i < DISTANCE.length; i++) bytes[at++] = DISTANCE[i] as number
      at = writeKm(this.#metres[row] as number, bytes, at)
      bytes[at++] = BRACE
    }
    bytes.write(total, at, "latin1")
    return bytes.subarray(0, length)
  }

  #metresTo(slot: number, square: number, latitude: number, longitude: number): number {
    const metres = metresOf(square)
    if (metres >= 0) return metres
    return exactMetres(latitude, longitude, this.#records.real(slot, LATITUDE), this.#records.real(slot, LONGITUDE))
  }

  #copyDoctor(slot: number, into: Buffer, at: number): number {
    const address = this.#records.address[slot] as number
    const chunk = chunkOf(address)
    const unit = unitOf(address)
    const start = unit * UNIT_BYTES + JSON_AT
    const length = ((this.#records.arena.words[chunk] as Int32Array)[2 * unit + LENGTH] as number) & LENGTH_MASK
    ;(this.#records.arena.bytes[chunk] as Buffer).copy(into, at, start, start + length)
    return at + length
  }
}

/** Digits of a distance in km, as JSON.stringify prints metres / 1000. */
export function lengthOf(metres: number): number {
  const km = Math.trunc(metres / METRES_PER_KM)
  const rest = metres - km * METRES_PER_KM
  const whole = km < 10 ? 1 : km < 100 ? 2 : 3
  if (rest === 0) return whole
  return whole + (rest % 10 !== 0 ? 4 : rest % 100 !== 0 ? 3 : 2)
}

/** Writes such a distance, and returns where it ends. */
export function writeKm(metres: number, into: Uint8Array, start: number): number {
  const km = Math.trunc(metres / METRES_PER_KM)
  let rest = metres - km * METRES_PER_KM
  let at = start
  if (km >= 100) into[at++] = ZERO + Math.trunc(km / 100)
  if (km >= 10) into[at++] = ZERO + (Math.trunc(km / 10) % 10)
  into[at++] = ZERO + (km % 10)
  if (rest === 0) return at
  into[at++] = POINT
  for (let place = 100; rest > 0; place /= 10) {
    const digit = Math.trunc(rest / place)
    into[at++] = ZERO + digit
    rest -= digit * place
  }
  return at
}
