import { expect, test } from "bun:test"
import fc from "fast-check"
import { cellToBoundary, cellToChildren, cellToLatLng, latLngToCell } from "h3-js"
import { coverOf, originOf, partedCoverOf, type Ranges } from "./cover.ts"
import { EARTH_RADIUS_KM, haversineKm } from "./haversine.ts"
import { PLACE_RESOLUTION, placeOf } from "./places.ts"
import { anchor, type Place, placeNear } from "./test-world.ts"

/** For a machine that is busy with other tests. */
const TIMEOUT_MS = 30_000

const radius = fc.oneof(fc.constantFrom(0.001, 0.01, 0.5, 3, 25, 100, 500), fc.double({ min: 1e-6, max: 500, noNaN: true }))
const fineness = fc.constantFrom(1.5, 2, 4)

const has = ({ lows, spans }: Ranges, place: number) => lows.some((low, i) => place >= low && place <= low + (spans[i] as number))
const kmBetween = (a: Place, b: Place) => haversineKm(a.latitude, a.longitude, b.latitude, b.longitude)

test(
  "a cover holds the place of every point within the radius, and none that is beyond it inside: poles, antimeridian and pentagons included",
  () => {
    const asked = fc
      .tuple(anchor, radius, fineness)
      .chain(([centre, km, fine]) =>
        fc.record({ from: fc.oneof(fc.constant(centre), placeNear(centre, 60)), km: fc.constant(km), fine: fc.constant(fine) }),
      )
      .chain(({ from, km, fine }) =>
        fc.record({
          from: fc.constant(from),
          km: fc.constant(km),
          fine: fc.constant(fine),
          points: fc.array(placeNear(from, km * 1.01), { minLength: 60, maxLength: 60 }),
        }),
      )
    fc.assert(
      fc.property(asked, ({ from, km, fine, points }) => {
        const [cover, { inside, rim }] = [coverOf(originOf(from), km, fine), partedCoverOf(originOf(from), km, fine)]
        for (const point of [from, ...points]) {
          const place = placeOf(point.latitude, point.longitude)
          const within = kmBetween(from, point) <= km
          if (within) expect([has(cover, place), has(inside, place) || has(rim, place)]).toEqual([true, true])
          else expect(has(inside, place)).toBe(false)
        }
      }),
      { numRuns: 600 },
    )
  },
  TIMEOUT_MS,
)

/** The place `km` beyond the other, seen from the first, in vectors so that no place of the globe is special. */
function beyond([lat1, lng1]: [number, number], [lat2, lng2]: [number, number], km: number): Place {
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

/** Of a cell's descendants the one that lies farthest out towards its nth child, where its places reach beyond its edges. */
function outermost(cell: string, resolution: number, nth: number): string {
  const centre = cellToLatLng(cell)
  const kmFrom = (child: string) => haversineKm(...centre, ...cellToLatLng(child))
  const children = cellToChildren(cell, resolution + 1)
  let found = children[nth % children.length] as string
  for (let r = resolution + 1; r < PLACE_RESOLUTION; r++)
    found = cellToChildren(found, r + 1).reduce((a, b) => (kmFrom(a) > kmFrom(b) ? a : b))
  return found
}

test(
  "a cover holds a place of which only the tip of a corner is within the radius, however far from its ancestors",
  () => {
    const place = anchor.chain((centre) => placeNear(centre, 700))
    fc.assert(
      fc.property(place, radius, fineness, fc.integer({ min: 0, max: PLACE_RESOLUTION }), fc.nat(), (place, km, fine, resolution, nth) => {
        const ancestor = latLngToCell(place.latitude, place.longitude, resolution)
        const cell = resolution < PLACE_RESOLUTION ? outermost(ancestor, resolution, nth) : ancestor
        const corners = cellToBoundary(cell)
        const from = beyond(cellToLatLng(ancestor), corners[nth % corners.length] as [number, number], km * 0.999)
        const held = placeOf(...cellToLatLng(cell))
        const { inside, rim } = partedCoverOf(originOf(from), km, fine)
        expect(has(inside, held) || has(rim, held)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  },
  TIMEOUT_MS,
)

test(
  "a cover has its ranges in order, none twice, and less than two hundred",
  () => {
    fc.assert(
      fc.property(anchor, radius, fineness, (from, km, fine) => {
        const { inside, rim } = partedCoverOf(originOf(from), km, fine)
        const both = [inside, rim].flatMap(({ lows, spans }) => lows.map((low, i) => [low, low + (spans[i] as number)] as const))
        both.sort((a, b) => a[0] - b[0])
        expect(both.length).toBeLessThan(200)
        for (const [i, [low, high]] of both.entries()) {
          expect(low).toBeGreaterThan(both[i - 1]?.[1] ?? -1)
          expect(high).toBeGreaterThanOrEqual(low)
          expect(high).toBeLessThan(2 ** 31)
        }
      }),
      { numRuns: 300 },
    )
  },
  TIMEOUT_MS,
)
