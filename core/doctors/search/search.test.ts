import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import fc from "fast-check"
import { type TestDatabase, testDatabase } from "../../../tests/harness/services.ts"
import { snapDegrees } from "../../fields.ts"
import { haversineKm } from "./haversine.ts"
import { SearchQuery } from "./schema.ts"
import { searchDoctors } from "./search.ts"
import {
  anchor,
  bruteForce,
  doctorAt,
  fillWorld,
  filtersAndPage,
  insertClinic,
  type Place,
  placeNear,
  type TestDoctor,
} from "./test-world.ts"

const TIMEOUT_MS = 60_000
const RADIUS_MAX_KM = 500

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
  await insertClinic(database.pool)
})
afterAll(async () => await database[Symbol.asyncDispose]())

const query = (q: Partial<SearchQuery>): SearchQuery => ({ radius: 10, page: 1, limit: 20, ...q })

/** How far doctors are strewn, and so which resolutions and how many cells a search needs. */
const spreadKm = fc.constantFrom(0.01, 1, 5, 12, 40, 150, 600)

/** A world around an anchor, with many at one place, and queries from its places. */
const worldAndQueries = (doctorsMax: number, queries: number) =>
  fc.tuple(anchor, spreadKm).chain(([centre, km]) => {
    const near = placeNear(centre, km)
    const shared = fc.constantFrom(centre, { ...centre, longitude: -centre.longitude })
    const doctors = fc.uniqueArray(doctorAt(fc.oneof({ weight: 5, arbitrary: near }, { weight: 1, arbitrary: shared })), {
      selector: (d) => d.id,
      maxLength: doctorsMax,
      minLength: 1,
      size: "max",
    })
    const from = fc.oneof(near, fc.constant(centre), fc.constant("doctor" as const))
    const radius = fc.oneof(
      fc.constantFrom(0.001, 0.5, 1, 3, 10, 25, 26, 100, RADIUS_MAX_KM),
      fc.constant("rim" as const),
      fc.constant("inside the rim" as const),
    )
    const asked = fc.record({ from, radius, nth: fc.nat(), filters: filtersAndPage, unfiltered: fc.boolean() })
    return fc.record({ doctors, asked: fc.array(asked, { minLength: queries, maxLength: queries }) })
  })

type Asked = {
  from: Place | "doctor"
  radius: number | "rim" | "inside the rim"
  nth: number
  filters: Omit<SearchQuery, "radius">
  unfiltered: boolean
}

/** A rim is the exact distance of some doctor; inside it is the next smaller double. */
function queryOf({ from, radius, nth, filters, unfiltered }: Asked, doctors: TestDoctor[]): SearchQuery {
  const doctor = doctors[nth % doctors.length] as TestDoctor
  const place = from === "doctor" ? (doctors[(nth * 7) % doctors.length] as TestDoctor) : from
  const [latitude, longitude] = [snapDegrees(place.latitude), snapDegrees(place.longitude)]
  const distance = haversineKm(latitude, longitude, doctor.latitude, doctor.longitude)
  const rim = distance > 0 && distance <= RADIUS_MAX_KM ? distance : 10
  const radiusKm = typeof radius === "number" ? radius : radius === "rim" ? rim : rim * (1 - Number.EPSILON / 2)
  const { page, limit } = filters
  return { ...(unfiltered ? { page, limit } : filters), latitude, longitude, radius: radiusKm }
}

async function expectBruteForce(doctors: TestDoctor[], q: SearchQuery): Promise<void> {
  expect(await searchDoctors(database.pool, q)).toEqual(bruteForce(doctors, q))
}

describe("a search around a position", () => {
  test(
    "equals brute force over the whole globe: poles, antimeridian, pentagons, exact rims, ties, pages, all filters",
    async () => {
      await fc.assert(
        fc.asyncProperty(worldAndQueries(120, 12), async ({ doctors, asked }) => {
          await fillWorld(database.pool, doctors)
          for (const a of asked) await expectBruteForce(doctors, queryOf(a, doctors))
        }),
        { numRuns: 60 },
      )
    },
    TIMEOUT_MS,
  )

  test(
    "equals brute force where there are more than are counted, on every page",
    async () => {
      await fc.assert(
        fc.asyncProperty(
          worldAndQueries(1, 30),
          fc.constantFrom(0.3, 8, 60),
          fc.integer(),
          async ({ doctors: [first], asked }, km, seed) => {
            const centre = first as TestDoctor
            const places = fc.oneof({ weight: 9, arbitrary: placeNear(centre, km) }, { weight: 1, arbitrary: fc.constant<Place>(centre) })
            const doctors = fc.sample(doctorAt(places), { numRuns: 2500, seed })
            await fillWorld(database.pool, doctors)
            for (const [i, a] of asked.entries()) {
              const q = queryOf({ ...a, from: "doctor", unfiltered: i % 3 > 0 }, doctors)
              await expectBruteForce(doctors, {
                ...q,
                radius: i % 2 ? RADIUS_MAX_KM : q.radius,
                page: i % 4 ? q.page : 1 + (a.nth % 60),
                limit: i % 4 ? q.limit : 50,
              })
            }
          },
        ),
        { numRuns: 5 },
      )
    },
    TIMEOUT_MS,
  )

  test("takes positions a hair from zero, where a square underflows, for zero", async () => {
    const [doctor] = fc.sample(doctorAt(fc.constant({ latitude: 0, longitude: 0 })), { numRuns: 1, seed: 1 }) as [TestDoctor]
    await fillWorld(database.pool, [{ ...doctor, active: true }])
    for (const hair of ["5e-324", "-1e-200", "1e-10"]) {
      const q = SearchQuery.parse({ latitude: hair, longitude: hair, radius: "1e-300" })
      expect((await searchDoctors(database.pool, q)).data.map((d) => d.distanceKm)).toEqual([0])
    }
  })

  test("finds a doctor whose distance is exactly the radius, and not with the next smaller radius", async () => {
    const [doctor] = fc.sample(doctorAt(fc.constant({ latitude: 48.2, longitude: 16.37 })), { numRuns: 1, seed: 1 }) as [TestDoctor]
    await fillWorld(database.pool, [{ ...doctor, active: true }])
    const from = { latitude: 48.21, longitude: 16.41 }
    const km = haversineKm(from.latitude, from.longitude, doctor.latitude, doctor.longitude)
    expect((await searchDoctors(database.pool, query({ ...from, radius: km }))).total).toBe(1)
    expect((await searchDoctors(database.pool, query({ ...from, radius: km * (1 - Number.EPSILON / 2) }))).total).toBe(0)
  })

  test("counts exactly 1,000 as exact, and one more as not", async () => {
    const place = { latitude: -33.9, longitude: 151.2 }
    const doctors = fc.sample(doctorAt(placeNear(place, 5)), { numRuns: 1001, seed: 2 }).map((d) => ({ ...d, active: true }))
    await fillWorld(database.pool, doctors)
    expect(await searchDoctors(database.pool, query(place))).toMatchObject({ total: 1000, totalIsExact: false })
    await database.pool`delete from doctors where id = ${(doctors[0] as TestDoctor).id}`
    expect(await searchDoctors(database.pool, query(place))).toMatchObject({ total: 1000, totalIsExact: true })
  })
})

describe("a search without a position", () => {
  test(
    "equals brute force, by name and then id, with all filters and on every page",
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer(),
          fc.constantFrom(5, 300, 2500),
          fc.array(filtersAndPage, { minLength: 20, maxLength: 20 }),
          async (seed, count, asked) => {
            const doctors = fc.sample(doctorAt(fc.constant({ latitude: 1, longitude: 1 })), { numRuns: count, seed })
            await fillWorld(database.pool, doctors)
            for (const filters of [{ page: 1, limit: 20 }, { page: 15, limit: 100 }, ...asked])
              await expectBruteForce(doctors, query(filters))
          },
        ),
        { numRuns: 8 },
      )
    },
    TIMEOUT_MS,
  )

  test("finds names without regard to case and accents, and takes %, _ and \\ as ordinary characters", async () => {
    const [doctor] = fc.sample(doctorAt(fc.constant({ latitude: 1, longitude: 1 })), { numRuns: 1, seed: 3 }) as [TestDoctor]
    const named = ["Łukasz", "Søren", "İstanbul", "Straße", "ΣΙΣΥΦΟΣ", "Nguyễn", "100%", "a_b", "c\\d"]
    await fillWorld(
      database.pool,
      named.map((name) => ({ ...doctor, active: true, id: Bun.randomUUIDv7(), name, clinicName: name })),
    )
    const parts = { lukasz: "Łukasz", SOREN: "Søren", istanbul: "İstanbul", STRASSE: "Straße", σίσυφος: "ΣΙΣΥΦΟΣ", nguyen: "Nguyễn" }
    for (const [part, name] of [...Object.entries(parts), ["%", "100%"], ["_", "a_b"], ["\\", "c\\d"]] as [string, string][]) {
      for (const filter of [{ name: part }, { clinicName: part }])
        expect((await searchDoctors(database.pool, query(filter))).data.map((d) => d.name)).toEqual([name])
    }
  })
})
