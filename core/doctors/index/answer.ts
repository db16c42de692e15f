/** Writes an answer's JSON out of the doctors' bytes. */
import { LIMIT_MAX, TOTAL_MAX } from "../../pages.ts"
import { chunkOf, UNIT_BYTES, unitOf } from "./arena.ts"
import type { Best } from "./best.ts"
import { constant, writeConstant, writeKm, writeWhole } from "./digits.ts"
import { exactMetres, metresOf } from "./exact.ts"
import { JSON_AT, LATITUDE, LENGTH, LENGTH_MASK, LONGITUDE } from "./record-layout.ts"
import type { Records } from "./records.ts"

const OPENING = constant('{"data":[')
const DISTANCE = constant(',"distanceKm":')
const PAGE = constant('],"page":')
const LIMIT = constant(',"limit":')
const TOTAL = constant(',"total":')
const EXACT = constant(',"totalIsExact":true}')
const INEXACT = constant(',"totalIsExact":false}')
const COMMA = 44
const BRACE = 125

/** Of the processor's cache. */
const LINE_WORDS = 16
const WORD_BYTES = 4

/** Bytes of a row beside the doctor's own, of all that is no row, and of numbers that run on: with room. */
const ROW_ROOM = 32
const REST_ROOM = 128
/** Room for a page of usual doctors. */
const FIRST_ROOM = 64 * 1024

export class AnswerWriter {
  readonly #records: Records
  /** Written over by every answer: new memory each time would take longer than all the rest. Two guises of it. */
  #room = Buffer.alloc(FIRST_ROOM)
  #view = viewOf(this.#room)
  /** Where the rows' doctors stand in their chunks, and how long they are. */
  readonly #starts = new Int32Array(LIMIT_MAX)
  readonly #lengths = new Int32Array(LIMIT_MAX)
  /** Means nothing. Whatever is read has to go somewhere, or it would not be read. */
  touched = 0

  constructor(records: Records) {
    this.#records = records
  }

  /** Of the best from `from` on, whose distances are from the given place. Good until the next call. */
  write(best: Best, from: number, page: number, limit: number, hits: number, latitude: number, longitude: number): Uint8Array<ArrayBuffer> {
    const rows = Math.max(0, best.size - from)
    this.#reserve(this.#locate(best.slots, from, rows) + rows * ROW_ROOM + REST_ROOM)
    const room = this.#room
    const into = this.#view
    const { address, arena } = this.#records
    let at = writeConstant(OPENING, into, 0)
    for (let row = 0; row < rows; row++) {
      if (row > 0) into.setUint8(at++, COMMA)
      const slot = best.slots[from + row] as number
      const start = this.#starts[row] as number
      const length = this.#lengths[row] as number
      ;(arena.bytes[chunkOf(address[slot] as number)] as Buffer).copy(room, at, start, start + length)
      at = writeConstant(DISTANCE, into, at + length)
      const metres = metresOf(best.squares[from + row] as number)
      at = writeKm(metres >= 0 ? metres : this.#metresTo(slot, latitude, longitude), into, at)
      into.setUint8(at++, BRACE)
    }
    return new Uint8Array(room.buffer, room.byteOffset, writeEnd(page, limit, hits, into, at))
  }

  /**
   * Finds the rows' bytes, and returns how many they are. All rows' addresses are read first, then all lengths, and a word of each line of
   * the cache: what does not depend on one another is fetched from memory at one time, where copying would wait for doctor after doctor.
   */
  #locate(slots: Int32Array, from: number, rows: number): number {
    const { address, arena } = this.#records
    const [starts, lengths] = [this.#starts, this.#lengths]
    for (let row = 0; row < rows; row++) starts[row] = address[slots[from + row] as number] as number
    let [sum, touched] = [0, 0]
    for (let row = 0; row < rows; row++) {
      const at = starts[row] as number
      const unit = unitOf(at)
      const words = arena.words[chunkOf(at)] as Int32Array
      const length = (words[2 * unit + LENGTH] as number) & LENGTH_MASK
      starts[row] = unit * UNIT_BYTES + JSON_AT
      lengths[row] = length
      sum += length
      const end = 2 * unit + (JSON_AT + length) / WORD_BYTES
      for (let word = 2 * unit + LINE_WORDS; word < end; word += LINE_WORDS) touched ^= words[word] as number
    }
    this.touched = touched
    return sum
  }

  #metresTo(slot: number, latitude: number, longitude: number): number {
    return exactMetres(latitude, longitude, this.#records.real(slot, LATITUDE), this.#records.real(slot, LONGITUDE))
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#room.length) return
    this.#room = Buffer.alloc(2 * bytes)
    this.#view = viewOf(this.#room)
  }
}

const viewOf = ({ buffer, byteOffset, length }: Buffer<ArrayBuffer>) => new DataView(buffer, byteOffset, length)

function writeEnd(page: number, limit: number, hits: number, into: DataView, start: number): number {
  let at = writeWhole(page, into, writeConstant(PAGE, into, start))
  at = writeWhole(limit, into, writeConstant(LIMIT, into, at))
  at = writeWhole(Math.min(hits, TOTAL_MAX), into, writeConstant(TOTAL, into, at))
  return writeConstant(hits <= TOTAL_MAX ? EXACT : INEXACT, into, at)
}
