/**
 * Columns that outgrow their arrays while they serve. To copy them at once would hold up everyone for a time that grows with the index: so
 * larger arrays are filled little by little before they are needed, and what is written meanwhile is written to both.
 */

import { giveBack, unzeroedWords } from "./memory.ts"

/** Filling begins when this share of the rows is left. */
const LEFT_SHARE = 1 / 64
/** Copied for each row that is taken, so that a quarter of what is left suffices: some microseconds. */
const ROWS_FOR_EACH = 256

/** So many rows can be taken without growing. Room that is never used costs nothing, and counts as nothing: the system gives memory when it is written to. */
export const roomFor = (rows: number) => Math.ceil(rows / (1 - LEFT_SHARE))

export type GrowingColumnsOptions = {
  /** Rows that the arrays have now. */
  capacity: number
  /** How many times larger they become. */
  growth: number
  /** The arrays in use, each of the same number of words a row. */
  inUse: () => Int32Array[]
  /** Makes larger ones the arrays in use, in the same order. */
  use: (larger: Int32Array[]) => void
}

export class GrowingColumns {
  readonly #options: GrowingColumnsOptions
  #capacity: number
  /** Rows up to which nothing needs to be done. */
  #enough: number
  /** Rows taken when something was last copied. */
  #reached: number
  /** Rows ever taken. */
  #taken = 0
  #larger: Int32Array[] | undefined
  #copied = 0

  constructor(options: GrowingColumnsOptions) {
    this.#options = options
    this.#capacity = options.capacity
    this.#enough = this.#reached = enoughOf(options.capacity)
  }

  /** Of the rows that were ever written to, in the arrays in use and in those that are being filled. */
  get bytes(): number {
    const held = this.#options.inUse().reduce((sum, column) => sum + column.byteLength, 0)
    return Math.ceil((held / this.#capacity) * (this.#taken + this.#copied))
  }

  /** To be called before the rows below `rows` are used. Only who takes very many at once has all copied at once. */
  reserve(rows: number): void {
    this.#taken = Math.max(this.#taken, rows)
    while (rows > this.#enough) {
      this.#larger ??= this.#makeLarger(rows)
      this.#copy(rows > this.#capacity ? this.#capacity : this.#copied + ROWS_FOR_EACH * Math.max(0, rows - this.#reached))
      this.#reached = Math.max(this.#reached, rows)
      if (this.#copied < this.#capacity) return
      this.#useLarger(this.#larger)
    }
  }

  /** To be called after a row was written. */
  wrote(row: number): void {
    if (this.#larger !== undefined) this.#copyRow(this.#larger, row)
  }

  /** Gives their memory back, a column in each step. */
  *release(): Generator<void, void> {
    for (const column of [...this.#options.inUse(), ...(this.#larger ?? [])]) {
      giveBack(column)
      yield
    }
  }

  #makeLarger(rows: number): Int32Array[] {
    const capacity = Math.ceil(Math.max(rows, this.#capacity) * this.#options.growth)
    return this.#options.inUse().map((column) => unzeroedWords((column.length / this.#capacity) * capacity))
  }

  #copy(upTo: number): void {
    const end = Math.min(upTo, this.#capacity)
    for (const [i, column] of this.#options.inUse().entries()) {
      const width = column.length / this.#capacity
      this.#larger?.[i]?.set(column.subarray(width * this.#copied, width * end), width * this.#copied)
    }
    this.#copied = end
  }

  #copyRow(larger: Int32Array[], row: number): void {
    for (const [i, column] of this.#options.inUse().entries()) {
      const width = column.length / this.#capacity
      larger[i]?.set(column.subarray(width * row, width * (row + 1)), width * row)
    }
  }

  #useLarger(larger: Int32Array[]): void {
    const [before] = this.#options.inUse() as [Int32Array]
    this.#capacity = (larger[0] as Int32Array).length / (before.length / this.#capacity)
    this.#enough = enoughOf(this.#capacity)
    this.#reached = Math.max(this.#reached, this.#enough)
    this.#larger = undefined
    this.#copied = 0
    this.#options.use(larger)
  }
}

const enoughOf = (capacity: number) => Math.floor(capacity * (1 - LEFT_SHARE))
