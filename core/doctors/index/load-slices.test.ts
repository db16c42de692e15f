import { expect, test } from "bun:test"
import fc from "fast-check"
import { doctorAt, placeNear } from "../search/test-world.ts"
import { DoctorIndex } from "./doctor-index.ts"
import { PageDraft } from "./page-draft.ts"
import { indexed } from "./test-oracle.ts"

const DOCTORS = 60_000
const FOUND = 1_000
/** A row of the loader has no more. */
const PAGE = 64
/** A tenth of a millisecond each: what one slice may write, zeroes or copies, in words; and what it may put into leaves, in doctors. */
const WORDS_MAX = 128 * 1024
const PLACED_MAX = 256

type Work = { words: number; placed: number }
type Columns = { set: (from: ArrayLike<number>, at?: number) => void; sort: (by?: (a: number, b: number) => number) => unknown }

/** Counts what is zeroed, copied, sorted and placed while `slices` goes on, by slice. */
function workOf(slices: Iterable<unknown>): Work[] {
  const done: Work[] = []
  let work: Work = { words: 0, placed: 0 }
  const columns = Object.getPrototypeOf(Int32Array.prototype) as Columns
  const { set, sort } = columns
  const { add } = PageDraft.prototype
  const constructors = { Int32Array, Float32Array, Float64Array, ArrayBuffer }
  for (const [name, made] of Object.entries(constructors)) {
    const construct = (target: typeof made, args: [number]) => {
      if (typeof args[0] === "number") work.words += args[0] / (target === ArrayBuffer ? 4 : 1)
      return Reflect.construct(target, args)
    }
    Object.assign(globalThis, { [name]: new Proxy(made, { construct } as ProxyHandler<typeof made>) })
  }
  columns.set = function (from, at) {
    work.words += from.length
    set.call(this, from, at)
  }
  columns.sort = function (this: Int32Array, by) {
    work.words += this.length * Math.ceil(Math.log2(this.length + 1))
    return sort.call(this, by)
  }
  PageDraft.prototype.add = function (...args) {
    work.placed++
    add.apply(this, args)
  }
  try {
    for (const _ of slices) {
      done.push(work)
      work = { words: 0, placed: 0 }
    }
  } finally {
    Object.assign(globalThis, constructors)
    Object.assign(columns, { set, sort })
    PageDraft.prototype.add = add
  }
  return [...done, work]
}

function* load(expected: number, doctors: ReturnType<typeof indexed>[], loaded: { index?: DoctorIndex }): Generator<void, void> {
  const index = new DoctorIndex({ expected })
  loaded.index = index
  yield
  for (let from = 0; from < doctors.length; from += PAGE) {
    for (const doctor of doctors.slice(from, from + PAGE)) index.add(doctor)
    yield
  }
  yield* index.finish()
}

const some = fc.sample(fc.noBias(doctorAt(placeNear({ latitude: 48, longitude: 16 }, 100))), { numRuns: 2_000, seed: 8 })
const strewn = Array.from({ length: DOCTORS }, (_, n) => ({
  ...indexed(some[n % some.length] as (typeof some)[0]),
  id: Bun.randomUUIDv7(),
}))
const place = { clinicLatitude: 48.2, clinicLongitude: 16.37, specialization: "Cardiology" }
const atOnePlace = strewn.map((doctor) => ({ ...doctor, ...place }))

test.each([
  ["strewn doctors", 0, strewn],
  ["strewn doctors", 1_000_000, strewn],
  ["doctors at one place", DOCTORS, atOnePlace],
] as const)(
  "no slice of a load of %s does more than a bounded amount, though %d were expected",
  (_, expected, doctors) => {
    const loaded: { index?: DoctorIndex } = {}
    const work = workOf(load(expected, [...doctors], loaded))
    expect(Math.max(...work.map(({ words }) => words))).toBeLessThanOrEqual(WORDS_MAX)
    expect(Math.max(...work.map(({ placed }) => placed))).toBeLessThanOrEqual(PLACED_MAX)
    // Everyone is put into the tree of all and into that of their specialization, all of it in slices.
    expect(work.reduce((sum, { placed }) => sum + placed, 0)).toBe(2 * doctors.length)
    // Whoever stands elsewhere in a tree than where their place and slot say is not found.
    for (const { id, version } of doctors.slice(0, FOUND)) expect(loaded.index?.remove(id, version + 1)).toBe(true)
    expect(loaded.index?.size).toBe(doctors.length - FOUND)
  },
  60_000,
)

test("an index that is given back gives back a bounded part in each step, and in the end all but the ids", () => {
  const index = new DoctorIndex({ expected: DOCTORS })
  for (const doctor of strewn) index.add(doctor)
  for (const _ of index.finish());
  const held = [index.bytes]
  for (const _ of index.release()) held.push(index.bytes)
  const given = held.slice(1).map((bytes, n) => (held[n] as number) - bytes)
  expect(Math.max(...given)).toBeLessThanOrEqual(4 * 1024 * 1024)
  expect(held.at(-1) as number).toBeLessThan((held[0] as number) / 10)
})
