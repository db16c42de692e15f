import { expect, test } from "bun:test"
import fc from "fast-check"
import { cellToBoundary, cellToLatLng, latLngToCell } from "h3-js"
import { cellNumber, cellsOf } from "./cells.ts"
import { coverOf } from "./cover.ts"
import { EARTH_RADIUS_KM, haversineKm } from "./haversine.ts"
import { anchor, placeNear } from "./test-world.ts"

/** For a machine that is busy with other tests. */
const TIMEOUT_MS = 30_000

const radius = fc.oneof(fc.constantFrom(0.01, 0.5, 3, 3.001, 25, 25.01, 100, 500), fc.double({ min: 1e-6, max: 500, noNaN: true }))

test(
  "a cover holds the cell of every point within the radius: poles, antimeridian and pentagons included",
  () => {
    const probes = fc
      .tuple(anchor, radius)
      .chain(([centre, radiusKm]) =>
        fc
          .tuple(placeNear(centre, 60), fc.constant(radiusKm))
          .chain(([from, km]) => fc.tuple(fc.constantFrom(centre, from), fc.constant(km))),
      )
    const points = ([from, km]: readonly [{ latitude: number; longitude: number }, number]) =>
      fc.record({
        from: fc.constant(from),
        km: fc.constant(km),
        points: fc.array(placeNear(from, km * 1.01), { minLength: 60, maxLength: 60 }),
      })
    fc.assert(
      fc.property(probes.chain(points), ({ from, km, points }) => {
        const { resolution, cells } = coverOf(from.latitude, from.longitude, km)
        const cover = new Set(cells)
        for (const p of [from, ...points])
          if (haversineKm(from.latitude, from.longitude, p.latitude, p.longitude) <= km)
            expect(cover).toContain(cellNumber(latLngToCell(p.latitude, p.longitude, resolution)))
      }),
      { numRuns: 400 },
    )
  },
  TIMEOUT_MS,
)

/** The place `km` beyond the corner of a cell, seen from its centre, in vectors so that no place of the globe is special. */
function beyond([lat1, lng1]: [number, number], [lat2, lng2]: [number, number], km: number): { latitude: number; longitude: number } {
  const vector = (latitude: number, longitude: number) => {
    const [phi, lambda] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180]
    return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)] as const
  }
  const [c, v] = [vector(lat1, lng1), vector(lat2, lng2)]
  const along = c[0] * v[0] + c[1] * v[1] + c[2] * v[2]
  const aside = Math.hypot(v[0] - along * c[0], v[1] - along * c[1], v[2] - along * c[2])
  const angle = Math.atan2(aside, along) + km / EARTH_RADIUS_KM
  const at = (i: 0 | 1 | 2) => c[i] * Math.cos(angle) + ((v[i] - along * c[i]) / aside) * Math.sin(angle)
  return { latitude: (Math.asin(at(2)) * 180) / Math.PI, longitude: (Math.atan2(at(1), at(0)) * 180) / Math.PI }
}

test(
  "a cover holds a cell of which only the tip of a corner is within the radius",
  () => {
    fc.assert(
      fc.property(
        anchor.chain((centre) => placeNear(centre, 700)),
        radius,
        fc.nat(),
        (place, km, nth) => {
          const cell = latLngToCell(place.latitude, place.longitude, coverOf(0, 0, km).resolution)
          const corners = cellToBoundary(cell)
          const from = beyond(cellToLatLng(cell), corners[nth % corners.length] as [number, number], km * 0.999)
          expect(coverOf(from.latitude, from.longitude, km).cells).toContain(cellNumber(cell))
        },
      ),
      { numRuns: 400 },
    )
  },
  TIMEOUT_MS,
)

test(
  "a cover has no cell twice, and less than a thousand",
  () => {
    fc.assert(
      fc.property(anchor, radius, ({ latitude, longitude }, km) => {
        const { cells } = coverOf(latitude, longitude, km)
        expect(new Set(cells).size).toBe(cells.length)
        expect(cells.length).toBeLessThan(1000)
      }),
      { numRuns: 200 },
    )
  },
  TIMEOUT_MS,
)

test("cells are positive int8 in decimal", () => {
  fc.assert(
    fc.property(anchor, ({ latitude, longitude }) => {
      for (const cell of Object.values(cellsOf(latitude, longitude))) {
        expect(cell).toMatch(/^[1-9]\d{17,18}$/)
        expect(BigInt(cell)).toBeLessThan(2n ** 63n)
      }
    }),
  )
})
