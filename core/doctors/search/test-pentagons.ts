/** The twelve cells of each resolution that are no hexagons, with doctors on their corners and edges: where a grid of hexagons is torn. */
import fc from "fast-check"
import { cellToBoundary, cellToLatLng, getHexagonEdgeLengthAvg, getPentagons, UNITS } from "h3-js"
import { snapDegrees } from "../../fields.ts"
import { haversineKm } from "./haversine.ts"
import { RADIUS_MAX_KM, type SearchQuery } from "./schema.ts"
import { unitVector, type Vector } from "./sphere.ts"
import { doctorAt, type Place, type TestDoctor } from "./test-world.ts"

/** Of the way from the centre: just inside, on, just outside. */
const SHARES = [1 - 1e-3, 1, 1 + 1e-3]
/** Radii by the length of an edge: less than the cell, about it, more than its neighbours. */
const EDGES = [0.3, 1.02, 2.5]

export type PentagonWorld = { cell: string; doctors: TestDoctor[]; queries: (SearchQuery & Place)[] }

/** All twelve of a resolution. A pentagon of an odd one has ten corners: its edges bend where they cross those of the icosahedron. */
export function pentagonWorld(resolution: number): PentagonWorld[] {
  const edgeKm = getHexagonEdgeLengthAvg(resolution, UNITS.km)
  return getPentagons(resolution).map((cell) => {
    const places = placesOf(cell)
    const made = fc.sample(doctorAt(fc.constant({ latitude: 0, longitude: 0 })), { numRuns: places.length, seed: resolution })
    const doctors = made.map((doctor, i) => ({ ...doctor, id: Bun.randomUUIDv7(), active: true, ...(places[i] as Place) }))
    const queries = places.flatMap((place, i) => {
      const other = places[(i * 7 + 1) % places.length] as Place
      const rim = haversineKm(place.latitude, place.longitude, other.latitude, other.longitude)
      const radii = [...EDGES.map((edges) => edges * edgeKm), rim].filter((km) => km > 0)
      return radii.map((km) => ({ ...place, radius: Math.min(RADIUS_MAX_KM, km), page: 1, limit: 100 }))
    })
    return { cell, doctors, queries }
  })
}

/** Its centre; its corners and the middles of its edges, each also a little nearer to the centre and a little farther away. */
function placesOf(cell: string): Place[] {
  const centre = cellToLatLng(cell)
  const corners = cellToBoundary(cell)
  const middles = corners.map((corner, i) => between(corner, corners[(i + 1) % corners.length] as [number, number], 0.5))
  const around = [...corners, ...middles.map(({ latitude, longitude }): [number, number] => [latitude, longitude])]
  return [between(centre, centre, 0), ...around.flatMap((point) => SHARES.map((share) => between(centre, point, share)))]
}

/** The place that share of the way, or beyond; in vectors, so that no place of the globe is special. */
function between(from: [number, number], to: [number, number], share: number): Place {
  const [a, b] = [unitVector(...from), unitVector(...to)]
  const [x, y, z] = a.map((value, i) => value + share * ((b[i] as number) - value)) as Vector
  const latitude = (Math.atan2(z, Math.hypot(x, y)) * 180) / Math.PI
  return { latitude: snapDegrees(latitude), longitude: snapDegrees((Math.atan2(y, x) * 180) / Math.PI) }
}
