import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { haversineKm } from "../search/haversine.ts"
import { pentagonWorld } from "../search/test-pentagons.ts"
import { doctorAt, placeNear, type TestDoctor } from "../search/test-world.ts"
import { DoctorIndex, type IndexedDoctor } from "./doctor-index.ts"
import { Compared, indexed, Oracle, queriesOf, textOf, type World, worldOf } from "./test-oracle.ts"

const TIMEOUT_MS = 120_000
/** Answers whose bytes (ids, their order, distances, total, all fields) were compared with brute force. */
const compared = new Compared()
const COMPARED_MIN = 100_000

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
    compared.note(q, wanted)
    if (got !== wanted) expect({ q, answer: JSON.parse(got) }).toEqual({ q, answer: JSON.parse(wanted) })
    if (got !== wanted) expect(got).toBe(wanted)
  }
}

describe("an answer", () => {
  test(
    "of the index equals brute force byte by byte, 100,000 times: poles, antimeridian, pentagons, exact rims, ties, one spot, pages, all filters",
    () => {
      fc.assert(
        fc.property(worldOf(1, 150), (world) => {
          const { index, oracle } = both(world.doctors)
          expectSameAnswers(index, oracle, world, 100, world.seed)
        }),
        { numRuns: 1_000 },
      )
      expect(compared.counts.answers).toBeGreaterThanOrEqual(COMPARED_MIN)
      compared.expectAllKinds()
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

  test(
    "of the index equals brute force around all twelve pentagons at three resolutions, from their corners, edges and centres",
    () => {
      const visited = new Set<string>()
      for (const resolution of [0, 5, 15])
        for (const { cell, doctors, queries } of pentagonWorld(resolution)) {
          const { index, oracle } = both(doctors)
          for (const q of queries)
            if (textOf(index, q) !== oracle.answer(q)) expect({ q, text: textOf(index, q) }).toEqual({ q, text: oracle.answer(q) })
          expect(queries.length).toBeGreaterThan(90)
          visited.add(cell)
        }
      expect(visited.size).toBe(36)
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

describe("a total", () => {
  const place = { latitude: -33.9, longitude: 151.2 }
  const found = { specialization: "Cardiology", city: "Paris", fee: 50 }
  const others = { specialization: "Dermatology", city: "New York", fee: 150.5 }
  const spreads: [string, number][] = [
    ["at one spot", 0],
    ["strewn", 5],
  ]
  const filters = [{ specialization: "cardiology" }, { city: "paris" }, { maxFee: 50 }, { specialization: "cardiology", maxFee: 50 }]
  const farthest = (doctors: TestDoctor[]) =>
    Math.max(...doctors.map((d) => haversineKm(place.latitude, place.longitude, d.latitude, d.longitude)))

  for (const [where, km] of spreads)
    for (const [count, text] of [
      [1_000, '"total":1000,"totalIsExact":true}'],
      [1_001, '"total":1000,"totalIsExact":false}'],
    ] as const)
      test(`of ${count} doctors ${where} is ${text.slice(0, -1)}, whatever the filter, and whether or not the radius leaves room`, () => {
        const doctors = (how: object, size: number, seed: number): TestDoctor[] =>
          fc.sample(doctorAt(placeNear(place, km)), { numRuns: size, seed }).map((d) => ({ ...d, ...how, id: Bun.randomUUIDv7() }))
        const alone = doctors(found, count, 1)
        const worlds = [
          { ...both(alone), asked: [{}, ...filters] },
          { ...both([...alone, ...doctors(others, 700, 2)]), asked: filters },
        ]
        for (const { index, oracle, asked } of worlds)
          for (const filter of asked)
            for (const radius of [10, Math.max(0.001, farthest(alone))]) {
              const q = { ...place, ...filter, radius, page: 1, limit: 20 }
              expect(textOf(index, q)).toBe(oracle.answer(q))
              expect(textOf(index, q)).toEndWith(text)
            }
      })
})

describe("a filter", () => {
  const place = { latitude: 10, longitude: 20 }
  const [someone] = fc.sample(doctorAt(fc.constant(place)), { numRuns: 1, seed: 1 }) as [TestDoctor]
  const q = { ...place, radius: 1, page: 1, limit: 100 }

  test("of fees is exact for every fee that a row may have, and for those between", () => {
    const fees = [0, 0.001, 0.1, 0.3, 1.005, 99.999, 100, 100.001, 2_147_483.646, 2_147_483.647, 9_999_999.999, 0.0005, 1 / 3]
    const { index, oracle } = both(fees.map((fee) => ({ ...someone, id: Bun.randomUUIDv7(), fee })))
    for (const minFee of [...fees, 50, 0.2999999999999999, 1e300])
      for (const maxFee of [...fees, 50, 0.30000000000000004, 1e300]) {
        const asked = { ...q, minFee, maxFee }
        expect(textOf(index, asked)).toBe(oracle.answer(asked))
      }
  })

  test("of names looks at nothing but the name, whatever characters stand in it", () => {
    const names = [
      "Ada",
      'Ada "the" Great',
      "Ada\\",
      "Ａda",
      "ada\u0001",
      "Zoë",
      "𝒜da",
      "K",
      "ﬁona",
      ",",
      '","specialization":"',
      "ДАША",
      "李 伟",
    ]
    const { index, oracle } = both(
      names.flatMap((name) => names.map((clinicName) => ({ ...someone, id: Bun.randomUUIDv7(), name, clinicName }))),
    )
    const parts = [...names, '"', 'a"', '","sp', "a\\", "k", "fi", "da", "李", "伟", "z", ":", "x", "clinicName"]
    for (const part of parts)
      for (const asked of [
        { ...q, name: part },
        { ...q, clinicName: part },
        { ...q, name: part, clinicName: "a" },
      ])
        expect(textOf(index, asked)).toBe(oracle.answer(asked))
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

  test("knows of whom it took out at which version, and takes them in again only with newer news", () => {
    const [doctor] = fc.sample(worldOf(1, 1), { numRuns: 1, seed: 3 }).map(({ doctors }) => indexed(doctors[0] as TestDoctor, 5)) as [
      IndexedDoctor,
    ]
    const index = loaded([])
    expect(index.remove(doctor.id, 5)).toBe(true)
    expect(index.upsert(doctor)).toBe(false)
    expect(index.upsert({ ...doctor, version: 6 })).toBe(true)
    expect(index.upsert({ ...doctor, version: 6 })).toBe(false)
    expect(index.remove(doctor.id, 6)).toBe(false)
    expect(index.remove(doctor.id, 7)).toBe(true)
    expect([index.size, index.checksum()]).toEqual([0, 0n])
  })

  test("gives back what the last doctor of a specialization, a city and a place held", () => {
    const [world] = fc.sample(worldOf(300, 300), { numRuns: 1, seed: 4 }) as [World]
    const index = loaded([])
    let bytes = 0
    for (let round = 0; round < 50; round++) {
      for (const doctor of world.doctors)
        index.upsert({ ...indexed(doctor, 2 * round + 1), specialization: `S${round} ${doctor.specialization}`, city: `C${round}` })
      for (const doctor of world.doctors) index.remove(doctor.id, 2 * round + 2)
      if (round === 5) bytes = index.bytes
    }
    expect(index.size).toBe(0)
    expect(index.bytes).toBeLessThanOrEqual(bytes * 1.5)
  })
})
