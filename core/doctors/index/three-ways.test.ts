/** The index, SQL and brute force are asked the same, and must answer the same bytes. (The index and brute force alone: doctor-index.test.ts.) */
import { afterAll, beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import { type TestDatabase, testDatabase } from "../../../tests/harness/services.ts"
import { openPool, type Pool } from "../../db.ts"
import { nearPoolOptions } from "../search/pool.ts"
import { RADIUS_MAX_KM } from "../search/schema.ts"
import { searchJson } from "../search/search.ts"
import { pentagonWorld } from "../search/test-pentagons.ts"
import { fillWorld, insertClinic, type TestDoctor } from "../search/test-world.ts"
import { DoctorIndex, type NearQuery } from "./doctor-index.ts"
import { Compared, indexed, Oracle, queriesOf, textOf, worldOf } from "./test-oracle.ts"

const TIMEOUT_MS = 120_000
const [WORLDS, QUERIES] = [60, 150]
const [LARGE_WORLDS, LARGE_QUERIES] = [8, 100]
/** As many as the processes have connections. */
const POOL = 4

let database: TestDatabase
let near: Pool
beforeAll(async () => {
  database = await testDatabase()
  near = openPool(database.url, nearPoolOptions("near", POOL))
  await insertClinic(database.pool)
})
afterAll(async () => {
  await near.end()
  await database[Symbol.asyncDispose]()
})

/** Asks all three about these doctors; returns how many answers were the same bytes thrice, which all must be. */
async function compare(doctors: TestDoctor[], queries: NearQuery[], compared = new Compared()): Promise<number> {
  const unique = [...new Map(doctors.map((d) => [d.id, d])).values()]
  const oracle = new Oracle()
  const index = new DoctorIndex()
  for (const doctor of unique.filter((d) => d.active)) {
    oracle.put(indexed(doctor))
    index.add(indexed(doctor))
  }
  for (const _ of index.finish());
  await fillWorld(database.pool, unique)
  const same = await Promise.all(
    queries.map(async (q) => {
      const { bytes } = await searchJson({ pool: database.pool, near }, q)
      const answers = { byIndex: textOf(index, q), bySql: Buffer.from(bytes).toString() }
      const wanted = oracle.answer(q)
      compared.note(q, wanted)
      if (answers.byIndex === wanted && answers.bySql === wanted) return 1
      expect({ q, ...answers }).toEqual({ q, byIndex: wanted, bySql: wanted })
      return 0
    }),
  )
  return same.reduce<number>((sum, one) => sum + one, 0)
}

test(
  "9,000 answers of SQL and of the index equal brute force byte by byte: radius 0.001 to 500 km, poles, antimeridian, rims, ties, pages, all filters",
  async () => {
    const compared = new Compared()
    let same = 0
    let smallest = 0
    await fc.assert(
      fc.asyncProperty(worldOf(1, 150), async (world) => {
        const queries = queriesOf(world, QUERIES, world.seed)
        smallest += queries.filter((q) => q.radius === 0.001).length
        same += await compare(world.doctors, queries, compared)
      }),
      { numRuns: WORLDS, endOnFailure: true },
    )
    expect(same).toBe(WORLDS * QUERIES)
    compared.expectAllKinds()
    expect(smallest).toBeGreaterThan(WORLDS)
  },
  TIMEOUT_MS,
)

test(
  "where there are more than are counted, SQL and the index equal brute force, on further pages too",
  async () => {
    const compared = new Compared()
    let same = 0
    await fc.assert(
      fc.asyncProperty(worldOf(1_500, 3_000), async (world) => {
        const wide = queriesOf(world, LARGE_QUERIES, world.seed).map((q, n) => (n % 2 ? { ...q, radius: RADIUS_MAX_KM } : q))
        same += await compare(world.doctors, wide, compared)
      }),
      { numRuns: LARGE_WORLDS, endOnFailure: true },
    )
    expect(same).toBe(LARGE_WORLDS * LARGE_QUERIES)
    compared.expectAllKinds()
    expect(compared.counts.inexact).toBeGreaterThan(100)
  },
  TIMEOUT_MS,
)

test(
  "around all twelve pentagons at three resolutions, asked from corners, edges and centres, SQL and the index equal brute force",
  async () => {
    const visited = new Set<string>()
    for (const resolution of [4, 6, 8])
      for (const { cell, doctors, queries } of pentagonWorld(resolution)) {
        // Every fifth: corner or middle of an edge, just inside, on it or just outside, and the radii take turns.
        const asked = queries.filter((_, i) => i % 5 === visited.size % 5)
        expect(await compare(doctors, asked)).toBe(asked.length)
        visited.add(cell)
      }
    expect(visited.size).toBe(36)
  },
  TIMEOUT_MS,
)
