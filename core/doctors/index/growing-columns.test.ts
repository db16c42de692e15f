import { expect, test } from "bun:test"
import fc from "fast-check"
import { GrowingColumns, roomFor } from "./growing-columns.ts"

const WIDTH = 3

/** Two columns, beside what they ought to hold. */
class Table {
  columns: Int32Array[]
  readonly expected: number[] = []
  readonly growing: GrowingColumns
  used = 0

  constructor(readonly capacity: number) {
    this.columns = [new Int32Array(capacity), new Int32Array(WIDTH * capacity)]
    this.growing = new GrowingColumns({
      capacity,
      growth: 1.25,
      inUse: () => this.columns,
      use: (larger) => {
        this.columns = larger
        this.used++
      },
    })
  }

  take(value: number): void {
    this.growing.reserve(this.expected.length + 1)
    this.write(this.expected.length, value)
  }

  write(row: number, value: number): void {
    this.expected[row] = value
    const [narrow, wide] = this.columns as [Int32Array, Int32Array]
    narrow[row] = value
    for (let i = 0; i < WIDTH; i++) wide[WIDTH * row + i] = value + i
    this.growing.wrote(row)
  }

  get actual(): number[][] {
    const [narrow, wide] = this.columns as [Int32Array, Int32Array]
    return this.expected.map((_, row) => [narrow[row] as number, ...wide.subarray(WIDTH * row, WIDTH * (row + 1))])
  }
}

test("whatever is written before, while and after columns grow is there", () => {
  const change = fc.record({ take: fc.nat(40), writes: fc.array(fc.nat(1_000_000), { maxLength: 20 }) })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3_000 }), fc.array(change, { maxLength: 60 }), (first, changes) => {
      const table = new Table(roomFor(first))
      for (let n = 0; n < first; n++) table.take(n)
      expect(table.used).toBe(0)
      for (const { take, writes } of changes) {
        for (let n = 0; n < take; n++) table.take(n)
        for (const value of writes) table.write(value % table.expected.length, value)
      }
      expect(table.actual).toEqual(table.expected.map((value) => [value, value, value + 1, value + 2]))
    }),
    { numRuns: 200 },
  )
})

test("columns are copied a little at each row that is taken, and held twice no longer than that takes", () => {
  const table = new Table(roomFor(100_000))
  const larger: Int32Array[] = []
  let copiesMost = 0
  let taken = 0
  const set = Int32Array.prototype.set
  Int32Array.prototype.set = function (this: Int32Array, from: ArrayLike<number>, at?: number) {
    copiesMost = Math.max(copiesMost, from.length)
    larger.push(this)
    return set.call(this, from, at)
  }
  try {
    for (; table.used === 0; taken++) table.take(taken)
  } finally {
    Int32Array.prototype.set = set
  }
  expect(larger.length).toBeGreaterThan(100)
  expect(copiesMost).toBeLessThan(1_000)
  expect(taken).toBeLessThan(table.capacity)
  expect(table.growing.bytes).toBe(table.expected.length * (1 + WIDTH) * Int32Array.BYTES_PER_ELEMENT)
})

test("one who takes more rows at once than there is room for has them", () => {
  const table = new Table(10)
  table.growing.reserve(5_000)
  table.write(4_999, 7)
  expect(table.columns[0]?.[4_999]).toBe(7)
})
