/** Distances against geometry that is worked out here, by other formulas: brute force, SQL and the index all share one of their own. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import fc from "fast-check"
import { type TestDatabase, testDatabase } from "../../../tests/harness/services.ts"
import { haversineKm } from "./haversine.ts"
import { anchor, type Place, placeNear } from "./test-world.ts"

/** Mean radius of the IUGG, as the contract has it. Written anew: it is what is tested. */
const RADIUS_KM = 6371.0088
/** Share of a distance. */
const ERROR_MAX = 1e-9
/** Nearer than this, and so near the other side of the globe, one of the formulas has no more digits. */
const TELLING_KM = 0.1

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

async function bySql(a: Place, b: Place): Promise<number> {
  const [row] = await database.pool<{ km: number }[]>`
    select haversine_km(${a.latitude}::float8, ${a.longitude}::float8, ${b.latitude}::float8, ${b.longitude}::float8) as km`
  return (row as { km: number }).km
}
const inProcess = async (a: Place, b: Place) => haversineKm(a.latitude, a.longitude, b.latitude, b.longitude)

type Vector = readonly [number, number, number]
function vectorOf({ latitude, longitude }: Place): Vector {
  const [phi, lambda] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180]
  return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)]
}

/** The angle between two vectors: atan2(|a × b|, a · b). */
function byVectors(a: Place, b: Place): number {
  const [[ax, ay, az], [bx, by, bz]] = [vectorOf(a), vectorOf(b)]
  const cross = Math.hypot(ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)
  return RADIUS_KM * Math.atan2(cross, ax * bx + ay * by + az * bz)
}

function expectKm(pair: [Place, Place], km: number, wanted: number): void {
  expect({ pair, wanted, isClose: Math.abs(km - wanted) <= ERROR_MAX * wanted }).toEqual({ pair, wanted, isClose: true })
}

const at = (latitude: number, longitude: number): Place => ({ latitude, longitude })
const ways: [string, (a: Place, b: Place) => Promise<number>][] = [
  ["the function of the processes", inProcess],
  ["the function of the database", bySql],
]

describe.each(ways)("a distance by %s", (_, distance) => {
  test("is, for a degree of a meridian and of the equator, the circumference of a sphere of 6371.0088 km by 360", async () => {
    const pairs: [Place, Place][] = [
      [at(0, 0), at(1, 0)],
      [at(47.5, 16.4), at(48.5, 16.4)],
      [at(0, 179.5), at(0, -179.5)],
      [at(89.5, 20), at(89.5, -160)],
    ]
    for (const pair of pairs) expectKm(pair, await distance(...pair), (Math.PI * 6371.0088) / 180)
  })

  test("is half the circumference between antipodes, and nothing between a place and itself", async () => {
    for (const pair of [
      [at(0, 0), at(0, 180)],
      [at(90, 12), at(-90, 77)],
      [at(0, 40), at(0, -140)],
    ] as [Place, Place][])
      expectKm(pair, await distance(...pair), Math.PI * 6371.0088)
    expect(await distance(at(48.2, 16.37), at(48.2, 16.37))).toBe(0)
  })

  test("is what the angle between vectors gives: two cities, and places all over the globe", async () => {
    const cities: [Place, Place] = [at(48.2082, 16.3738), at(40.7128, -74.006)]
    expectKm(cities, await distance(...cities), byVectors(...cities))
    const anyPair = fc.tuple(anchor, fc.constantFrom(1, 30, 500, 19_000)).chain(([a, km]) => fc.tuple(fc.constant(a), placeNear(a, km)))
    const pairs = fc.sample(fc.noBias(anyPair), 500).filter((pair) => byVectors(...pair) > TELLING_KM && byVectors(...pair) < 19_500)
    expect(pairs.length).toBeGreaterThan(400)
    await Promise.all(pairs.map(async (pair) => expectKm(pair, await distance(...pair), byVectors(...pair))))
  })
})
