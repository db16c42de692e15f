import { expect, test } from "bun:test"
import fc from "fast-check"
import { haversineKm } from "../search/haversine.ts"
import { anchor, type Place, placeNear } from "../search/test-world.ts"
import { writeKm, writeWhole } from "./digits.ts"
import { chordOf, exactMetres, metresOf, SQUARE_TOLERANCE, unitVector } from "./exact.ts"

const RUNS = 50_000
const scales = fc.constantFrom(1e-6, 1e-3, 0.1, 5, 80, 500)

function squareOf(a: Place, b: Place): number {
  const vectors = new Float64Array(6)
  unitVector(a.latitude, a.longitude, vectors, 0)
  unitVector(b.latitude, b.longitude, vectors, 3)
  return [0, 1, 2].reduce((sum, i) => sum + ((vectors[i] as number) - (vectors[i + 3] as number)) ** 2, 0)
}

const kmOf = (a: Place, b: Place) => haversineKm(a.latitude, a.longitude, b.latitude, b.longitude)

test("squared chords beyond the tolerance are ordered as the doubles of haversineKm, and on the same side of any radius", () => {
  const places = fc.tuple(anchor, scales).chain(([from, km]) => fc.tuple(fc.constant(from), placeNear(from, km), placeNear(from, km)))
  fc.assert(
    fc.property(places, ([from, a, b]) => {
      const difference = squareOf(from, a) - squareOf(from, b)
      if (Math.abs(difference) > SQUARE_TOLERANCE) expect(Math.sign(kmOf(from, a) - kmOf(from, b))).toBe(Math.sign(difference))
      const radius = kmOf(from, b)
      const beyond = squareOf(from, a) - chordOf(radius) ** 2
      if (Math.abs(beyond) > SQUARE_TOLERANCE) expect(kmOf(from, a) <= radius).toBe(beyond < 0)
    }),
    { numRuns: RUNS },
  )
})

test("the errors that the tolerance allows for are several times those that occur", () => {
  let worst = 0
  const places = fc.tuple(anchor, scales).chain(([from, km]) => fc.tuple(fc.constant(from), placeNear(from, km)))
  for (const [from, to] of fc.sample(places, { numRuns: RUNS, seed: 1 }))
    worst = Math.max(worst, Math.abs(squareOf(from, to) - chordOf(kmOf(from, to)) ** 2))
  expect(worst).toBeGreaterThan(0)
  expect(worst).toBeLessThan(SQUARE_TOLERANCE / 10)
})

test("metres from a squared chord are those that haversineKm rounds to, or left to it", () => {
  const places = fc.tuple(anchor, scales).chain(([from, km]) => fc.tuple(fc.constant(from), placeNear(from, km)))
  let left = 0
  fc.assert(
    fc.property(places, ([from, to]) => {
      const metres = metresOf(squareOf(from, to))
      if (metres < 0) left++
      else expect(metres).toBe(exactMetres(from.latitude, from.longitude, to.latitude, to.longitude))
    }),
    { numRuns: RUNS },
  )
  expect(left).toBeLessThan(RUNS / 100)
})

const room = Buffer.alloc(32)
const view = new DataView(room.buffer, room.byteOffset, room.length)
const written = (end: number) => room.toString("latin1", 0, end)

test("every distance in metres up to 500 km is printed as JSON prints it", () => {
  let wrong = 0
  for (let metres = 0; metres <= 500_000; metres++) if (written(writeKm(metres, view, 0)) !== JSON.stringify(metres / 1000)) wrong++
  expect(wrong).toBe(0)
})

test("every whole number is printed as JSON prints it", () => {
  const numbers = fc.oneof(fc.maxSafeNat(), fc.nat(20_000))
  fc.assert(
    fc.property(numbers, (n) => expect(written(writeWhole(n, view, 0))).toBe(JSON.stringify(n))),
    { numRuns: 10_000 },
  )
})
