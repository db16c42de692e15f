/** Blocks of bytes in large chunks: a doctor's fixed fields and JSON lie in one. Addresses count units of 8 bytes. */
import { giveBack, unzeroedBytes } from "./memory.ts"

export const UNIT_BYTES = 8
const CHUNK_BITS = 17
/** 1 MiB: small beside the whole, so that emptied chunks give memory back early; large beside a doctor. */
export const CHUNK_UNITS = 1 << CHUNK_BITS
const CHUNK_BYTES = CHUNK_UNITS * UNIT_BYTES
const CHUNK_MASK = CHUNK_UNITS - 1
/** Emptied chunks kept for the next ones that are needed: in turn one is emptied and one is filled. */
const SPARE_CHUNKS_MAX = 1

export const chunkOf = (address: number) => address >>> CHUNK_BITS
/** Within its chunk, in units. */
export const unitOf = (address: number) => address & CHUNK_MASK
export const addressOf = (chunk: number, unit: number) => (chunk << CHUNK_BITS) | unit

/** Of an append point: the chunk it fills, and how far. */
export type Append = { chunk: number; unit: number }

export class Arena {
  /** By chunk, the same memory in three guises. An unused number has empty arrays. */
  readonly bytes: Buffer[] = []
  readonly words: Int32Array[] = []
  readonly reals: Float64Array[] = []
  /** Units in use, by chunk. */
  readonly live: number[] = []
  /** Units handed out, by chunk. Behind them stands anything. */
  readonly filled: number[] = []
  readonly #unused: number[] = []
  readonly #spare: ArrayBuffer[] = []
  #liveUnits = 0
  #chunks = 0

  /** Bytes of blocks in use. */
  get liveBytes(): number {
    return this.#liveUnits * UNIT_BYTES
  }

  /** Bytes of the chunks that have blocks. */
  get chunkBytes(): number {
    return this.#chunks * CHUNK_BYTES
  }

  /** Bytes of all chunks. */
  get heldBytes(): number {
    return this.chunkBytes + this.#spare.length * CHUNK_BYTES
  }

  newAppend(): Append {
    return { chunk: -1, unit: CHUNK_UNITS }
  }

  /** Takes `units` at an append point, which goes on to another chunk when this one is full. */
  take(append: Append, units: number): number {
    if (units > CHUNK_UNITS) throw new RangeError(`a doctor of ${units * UNIT_BYTES} bytes is longer than the index can hold`)
    if (append.unit + units > CHUNK_UNITS) this.#turnPage(append)
    const address = addressOf(append.chunk, append.unit)
    append.unit += units
    this.live[append.chunk] = (this.live[append.chunk] as number) + units
    this.filled[append.chunk] = append.unit
    this.#liveUnits += units
    return address
  }

  /** The caller has marked the block as free. `inUse` are the append points, whose chunks stay. */
  give(address: number, units: number, inUse: readonly Append[]): void {
    const chunk = chunkOf(address)
    const left = (this.live[chunk] as number) - units
    this.live[chunk] = left
    this.#liveUnits -= units
    if (left === 0 && !inUse.some((append) => append.chunk === chunk)) this.#release(chunk)
  }

  /** Gives all of it back, a chunk in each step. */
  *release(): Generator<void, void> {
    for (const words of this.words) {
      if (words.length === 0) continue
      giveBack(words)
      this.#chunks--
      yield
    }
    this.#spare.length = 0
  }

  #turnPage(append: Append): void {
    const left = append.chunk
    append.chunk = this.#open()
    append.unit = 0
    if (left >= 0 && this.live[left] === 0) this.#release(left)
  }

  #open(): number {
    const chunk = this.#unused.pop() ?? this.bytes.length
    const buffer = this.#spare.pop() ?? unzeroedBytes(CHUNK_BYTES)
    this.bytes[chunk] = Buffer.from(buffer)
    this.words[chunk] = new Int32Array(buffer)
    this.reals[chunk] = new Float64Array(buffer)
    this.live[chunk] = 0
    this.filled[chunk] = 0
    this.#chunks++
    return chunk
  }

  #release(chunk: number): void {
    const { buffer } = this.words[chunk] as Int32Array
    if (this.#spare.length < SPARE_CHUNKS_MAX) this.#spare.push(buffer as ArrayBuffer)
    this.bytes[chunk] = Buffer.alloc(0)
    this.words[chunk] = new Int32Array(0)
    this.reals[chunk] = new Float64Array(0)
    this.live[chunk] = 0
    this.filled[chunk] = 0
    this.#unused.push(chunk)
    this.#chunks--
  }
}
