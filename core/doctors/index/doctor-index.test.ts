import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import type { TestDoctor } from "../search/test-world.ts"
import { DoctorIndex, type IndexedDoctor } from "./doctor-index.ts"
import { indexed, Oracle, queriesOf, textOf, type World, worldOf } from "./test-oracle.ts"

const TIMEOUT_MS = 120_000

function loaded(doctors: Iterable<IndexedDoctor>, expected = 0): DoctorIndex {
  const index = new DoctorIndex({ expected })
  for (const doctor of doctors) index.add(doctor)
  for (const _ of index.finish());
  return index
}

/** Index and oracle of the same doctors. */
function both(doctors: TestDoctor[]): { index: DoctorIndex; oracle: Oracle } {
  const oracle = new Oracle()
  for (const doctor of doctors) oracle.put(indexed(doctor))
  return { index: loaded([...oracle.held.values()].map(({ doctor }) => doctor)), oracle }
}

function expectSameAnswers(index: DoctorIndex, oracle: Oracle, world: Pick<World, "near" | "doctors">, count: number, seed: number): void {
  for (const q of queriesOf(world, count, seed)) {
    const [got, wanted] = [textOf(index, q), oracle.answer(q)]
    if (got !== wanted) expect({ q, answer: JSON.parse(got) }).toEqual({ q, answer: JSON.parse(wanted) })
    if (got !== wanted) expect(got).toBe(wanted)
  }
}

describe("an answer", () => {
  test(
    "equals brute force byte by byte: poles, antimeridian, pentagons, exact rims, ties, one spot, pages, all filters",
    () => {
      fc.assert(
        fc.property(worldOf(1, 150), (world) => {
          const { index, oracle } = both(world.doctors)
          expectSameAnswers(index, oracle, world, 80, world.seed)
        }),
        { numRuns: 1_000 },
      )
    },
    TIMEOUT_MS,
  )

  test(
    "equals brute force where there are more than are counted, on every page",
    () => {
      fc.assert(
        fc.property(worldOf(1_500, 4_000), (world) => {
          const { index, oracle } = both(world.doctors)
          expectSameAnswers(index, oracle, world, 60, world.seed)
          for (const q of queriesOf(world, 20, world.seed + 1)) {
            const deep = { ...q, page: 1 + (Math.abs(world.seed) % 60), limit: 50, radius: 500 }
            expect(textOf(index, deep)).toBe(oracle.answer(deep))
          }
        }),
        { numRuns: 12 },
      )
    },
    TIMEOUT_MS,
  )

  test("of an empty index, or about a specialization or city that nobody has, is an empty page", () => {
    const index = loaded([])
    const q = { latitude: 1, longitude: 2, radius: 500, page: 3, limit: 7 }
    const nobody = '{"data":[],"page":3,"limit":7,"total":0,"totalIsExact":true}'
    expect(textOf(index, q)).toBe(nobody)
    const { index: some } = both(fc.sample(worldOf(50, 50), { numRuns: 1, seed: 1 })[0]?.doctors ?? [])
    for (const asked of [{ specialization: "alchemy" }, { city: "Atlantis" }]) expect(textOf(some, { ...q, ...asked })).toBe(nobody)
  })

  test("orders thousands at one spot by id, and pages through them", () => {
    const place = { latitude: 52.5, longitude: 13.4 }
    const { index, oracle } = both(
      fc.sample(worldOf(1, 1), { numRuns: 3_000, seed: 5 }).map(({ doctors }) => ({ ...(doctors[0] as TestDoctor), ...place })),
    )
    for (const page of [1, 2, 17, 60, 61]) {
      const q = { ...place, radius: 0.001, page, limit: 50 }
      expect(textOf(index, q)).toBe(oracle.answer(q))
    }
  })
})

/** What may happen to a doctor. */
type Change = { kind: "change" | "move" | "leave" | "return"; nth: number; to: TestDoctor }

function changesOf(world: World, count: number, seed: number): Change[] {
  const kinds = fc.constantFrom<Change["kind"]>("change", "move", "move", "leave", "return")
  const [other] = fc.sample(worldOf(count, count), { numRuns: 1, seed })
  return fc.sample(fc.tuple(kinds, fc.nat(), fc.boolean(), world.near), { numRuns: count, seed }).map(([kind, nth, far, place], i) => {
    const to = (other as World).doctors[i] as TestDoctor
    return { kind, nth, to: far ? to : { ...to, ...place } }
  })
}

/** Applies a change to both, and an older piece of news that must change nothing. */
function apply(index: DoctorIndex, oracle: Oracle, known: IndexedDoctor[], { kind, nth, to }: Change): void {
  const old = known[nth % known.length] as IndexedDoctor
  const version = old.version + 1
  const fresh = kind === "move" ? { ...indexed(to, version), id: old.id } : { ...old, consultationFee: to.fee, name: to.name, version }
  known[nth % known.length] = fresh
  if (kind === "leave") {
    expect(index.remove(old.id, version)).toBe(true)
    oracle.held.delete(old.id)
  } else {
    expect(index.upsert(fresh)).toBe(true)
    oracle.put(fresh)
  }
  expect(index.upsert({ ...old, name: "Old news" })).toBe(false)
  expect(index.remove(old.id, version)).toBe(false)
}

describe("an index that changes", () => {
  test(
    "answers as one that is freshly built, whatever happened to it and whenever it was kept up",
    () => {
      fc.assert(
        fc.property(worldOf(1, 400), fc.integer({ min: 1, max: 500 }), (world, changes) => {
          const { index, oracle } = both(world.doctors)
          const known = [...oracle.held.values()].map(({ doctor }) => doctor)
          for (const [i, change] of changesOf(world, changes, world.seed).entries()) {
            apply(index, oracle, known, change)
            if (i % 50 === 0) index.maintain(0)
            if (i % 20 === 0) expectSameAnswers(index, oracle, world, 1, i)
          }
          expect(index.size).toBe(oracle.held.size)
          expect(index.checksum()).toBe(oracle.checksum())
          expectSameAnswers(index, oracle, world, 40, world.seed)
        }),
        { numRuns: 150 },
      )
    },
    TIMEOUT_MS,
  )
})
