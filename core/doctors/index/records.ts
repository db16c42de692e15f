/** What is held of each doctor, by slot: a block of the arena, and in columns what filters look at. */
import { type Append, Arena, chunkOf, UNIT_BYTES, unitOf } from "./arena.ts"
import { GrowingColumns, roomFor } from "./growing-columns.ts"
import { Ids, idStart } from "./ids.ts"
import { ID_AT, ID_BYTES } from "./listed-doctor.ts"
import { unzeroedWords } from "./memory.ts"
import {
  CAPACITY_SHIFT,
  type Content,
  FEE,
  HAS_FOLDS,
  JSON_AT,
  LATITUDE,
  LENGTH,
  LENGTH_MASK,
  LONGITUDE,
  SHAPE,
  SLOT,
  SPECIALIZATION,
  VERSION,
} from "./record-layout.ts"

const FIRST_CAPACITY = 1024
const GROWTH = 1.25

export class Records {
  readonly arena = new Arena()
  readonly ids: Ids
  /** By slot. */
  address: Int32Array
  city: Int32Array
  /** Four words a slot. */
  signatures: Int32Array
  readonly #growing: GrowingColumns
  readonly #free: number[] = []
  /** Where new blocks go, where upkeep lays blocks by place, and where it puts what it takes out of chunks that are nearly empty. */
  readonly appends: [fresh: Append, ordered: Append, rest: Append]
  #top = 0
  /** Blocks written elsewhere than by place, since the counter was last set. */
  strays = 0

  constructor(expected: number) {
    const capacity = roomFor(Math.max(expected, FIRST_CAPACITY))
    this.address = unzeroedWords(capacity)
    this.city = unzeroedWords(capacity)
    this.signatures = unzeroedWords(4 * capacity)
    this.#growing = new GrowingColumns({
      capacity,
      growth: GROWTH,
      inUse: () => [this.address, this.city, this.signatures],
      use: (larger) => {
        ;[this.address, this.city, this.signatures] = larger as [Int32Array, Int32Array, Int32Array]
      },
    })
    this.appends = [this.arena.newAppend(), this.arena.newAppend(), this.arena.newAppend()]
    this.ids = new Ids((slot, at) => this.idByte(slot, at), capacity)
  }

  get size(): number {
    return this.#top - this.#free.length
  }

  /** Slots ever used: all are below. */
  get top(): number {
    return this.#top
  }

  get bytes(): number {
    return this.arena.heldBytes + this.#growing.bytes + this.ids.bytes
  }

  idByte(slot: number, at: number): number {
    const address = this.address[slot] as number
    return (this.arena.bytes[chunkOf(address)] as Buffer)[unitOf(address) * UNIT_BYTES + JSON_AT + ID_AT + at] as number
  }

  word(slot: number, field: number): number {
    const address = this.address[slot] as number
    return (this.arena.words[chunkOf(address)] as Int32Array)[unitOf(address) * 2 + field] as number
  }

  real(slot: number, field: number): number {
    const address = this.address[slot] as number
    return (this.arena.reals[chunkOf(address)] as Float64Array)[unitOf(address) + field] as number
  }

  /** Of two ids: as `<` of their texts. */
  idBefore(slot1: number, slot2: number): boolean {
    const address1 = this.address[slot1] as number
    const address2 = this.address[slot2] as number
    const bytes1 = this.arena.bytes[chunkOf(address1)] as Buffer
    const bytes2 = this.arena.bytes[chunkOf(address2)] as Buffer
    const at1 = unitOf(address1) * UNIT_BYTES + JSON_AT + ID_AT
    const at2 = unitOf(address2) * UNIT_BYTES + JSON_AT + ID_AT
    for (let i = 0; i < ID_BYTES; i++) {
      const difference = (bytes1[at1 + i] as number) - (bytes2[at2 + i] as number)
      if (difference !== 0) return difference < 0
    }
    return false
  }

  /** Of an id, as {@link idStart}. */
  idStart(slot: number): number {
    const address = this.address[slot] as number
    return idStart(this.arena.bytes[chunkOf(address)] as Buffer, unitOf(address) * UNIT_BYTES + JSON_AT + ID_AT)
  }

  json(slot: number): Uint8Array {
    const address = this.address[slot] as number
    const start = unitOf(address) * UNIT_BYTES + JSON_AT
    return (this.arena.bytes[chunkOf(address)] as Buffer).subarray(start, start + (this.word(slot, LENGTH) & LENGTH_MASK))
  }

  /** Takes a slot, writes the doctor into it and lists its id. Throws if it is listed already. */
  insert(content: Content): number {
    const slot = this.#free.pop() ?? this.#top++
    this.#growing.reserve(this.#top)
    this.#place(slot, content)
    this.ids.add(slot)
    return slot
  }

  /** Writes the doctor's new content: where the old one was if there is room. */
  replace(slot: number, content: Content): void {
    const address = this.address[slot] as number
    const capacity = this.word(slot, SHAPE) >>> CAPACITY_SHIFT
    if (unitsOf(content) <= capacity) this.#write(slot, address, capacity, content)
    else {
      this.#discard(slot)
      this.#place(slot, content)
    }
  }

  delete(slot: number, id: string): void {
    this.ids.delete(id)
    this.#discard(slot)
    this.#free.push(slot)
  }

  /** Gives their memory back in steps. */
  *release(): Generator<void, void> {
    yield* this.arena.release()
    yield* this.#growing.release()
  }

  /** Copies a block to another append point. */
  move(slot: number, append: Append): void {
    const from = this.address[slot] as number
    const units = this.word(slot, SHAPE) >>> CAPACITY_SHIFT
    const to = this.arena.take(append, units)
    const [start, source] = [unitOf(from) * UNIT_BYTES, this.arena.bytes[chunkOf(from)] as Buffer]
    source.copy(this.arena.bytes[chunkOf(to)] as Buffer, unitOf(to) * UNIT_BYTES, start, start + units * UNIT_BYTES)
    this.#discard(slot)
    this.address[slot] = to
    this.#growing.wrote(slot)
  }

  #place(slot: number, content: Content): void {
    const units = unitsOf(content)
    const address = this.arena.take(this.appends[0], units)
    this.address[slot] = address
    this.strays++
    this.#write(slot, address, units, content)
  }

  #write(slot: number, address: number, capacity: number, c: Content): void {
    const chunk = chunkOf(address)
    const unit = unitOf(address)
    const reals = this.arena.reals[chunk] as Float64Array
    const words = this.arena.words[chunk] as Int32Array
    reals[unit + LATITUDE] = c.latitude
    reals[unit + LONGITUDE] = c.longitude
    words[2 * unit + SLOT] = slot
    words[2 * unit + VERSION] = c.version
    words[2 * unit + LENGTH] = c.length > c.jsonLength ? c.jsonLength | HAS_FOLDS : c.jsonLength
    words[2 * unit + SHAPE] = (capacity << CAPACITY_SHIFT) | c.clinicAt
    words[2 * unit + SPECIALIZATION] = c.specialization
    words[2 * unit + FEE] = c.fee
    c.bytes.copy(this.arena.bytes[chunk] as Buffer, unit * UNIT_BYTES + JSON_AT, c.from, c.from + c.length)
    this.city[slot] = c.city
    for (let i = 0; i < 4; i++) this.signatures[4 * slot + i] = c.signature[i] as number
    this.#growing.wrote(slot)
  }

  /** A free block keeps its shape and no slot, so that its chunk can be walked. */
  #discard(slot: number): void {
    const address = this.address[slot] as number
    const words = this.arena.words[chunkOf(address)] as Int32Array
    const at = 2 * unitOf(address)
    words[at + SLOT] = -1
    this.arena.give(address, (words[at + SHAPE] as number) >>> CAPACITY_SHIFT, this.appends)
  }
}

const unitsOf = ({ length }: Content) => Math.ceil((JSON_AT + length) / UNIT_BYTES)
