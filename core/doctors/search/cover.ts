/** Which H3 cells can hold a doctor within a radius. */
import { cellToLatLng, getHexagonEdgeLengthAvg, gridDiskDistances, latLngToCell, UNITS } from "h3-js"
import { LRUCache } from "lru-cache"
import { cellNumber, type Resolution } from "./cells.ts"
import { EARTH_RADIUS_KM } from "./haversine.ts"

/**
 * How far covers of each resolution go: fine enough not to read much beyond the rim, coarse enough for at most some 75 cells
 * (500 for the last, 900 by a pentagon, where finer ones would be tens of thousands). What is found once serves every position in a whole
 * `region` cell, 49 times as large, so that a city has few.
 */
const REACHES: readonly Reach[] = [
  { reachKm: 3, resolution: 8, region: 6 },
  { reachKm: 25, resolution: 6, region: 4 },
  { reachKm: 500, resolution: 4, region: 2 },
]
type Reach = { reachKm: number; resolution: Resolution; region: number }

/** Cells of one resolution. */
export type Cover = { resolution: Resolution; cells: string[] }

/** All cells around a region, with their centres as unit vectors, from which the cover of any position in it is cut. */
type Surroundings = { cells: string[]; centres: number[] }

/** About 40 MB when full, at some 300 cells for each region of a city and 900 for each of a country. */
const CACHED_CELLS_MAX = 500_000

/**
 * No corner of a cell is farther from its centre than this many average edges. The most is 1.100 over all cells of resolution
 * 4, and 1.101 where finer ones are widest: how wide depends on the place on the icosahedron, not on the resolution.
 */
const CIRCUMRADIUS_EDGES = 1.12
const circumradiusKm = (resolution: number) => CIRCUMRADIUS_EDGES * getHexagonEdgeLengthAvg(resolution, UNITS.km)
/** A ring's nearest centres are 1.5 edges beyond the last one's, less where cells are small. Only a first guess hangs on it. */
const RING_EDGES = 1.25

const surroundings = new LRUCache<string, Surroundings>({ maxSize: CACHED_CELLS_MAX, sizeCalculation: (s) => s.cells.length })

/**
 * The cells that can hold a point within `radiusKm` of a position, those near its region's centre first. Nothing is assumed of
 * the grid's regularity but how wide a cell can be, so pentagons, poles and the antimeridian need no care.
 */
export function coverOf(latitude: number, longitude: number, radiusKm: number): Cover {
  const reach = REACHES.find((r) => r.reachKm >= radiusKm)
  if (!reach) throw new Error(`no cover reaches ${radiusKm} km`)
  const region = latLngToCell(latitude, longitude, reach.region)
  const key = `${region}:${reach.reachKm}`
  const { cells, centres } = surroundings.get(key) ?? findSurroundings(region, reach)
  if (!surroundings.has(key)) surroundings.set(key, { cells, centres })
  const [x, y, z] = unitVector(latitude, longitude)
  const farthest = squaredChord(radiusKm + circumradiusKm(reach.resolution))
  const cover: string[] = []
  for (let i = 0; i < cells.length; i++) {
    const [dx, dy, dz] = [x - (centres[3 * i] as number), y - (centres[3 * i + 1] as number), z - (centres[3 * i + 2] as number)]
    if (dx * dx + dy * dy + dz * dz <= farthest) cover.push(cells[i] as string)
  }
  return { resolution: reach.resolution, cells: cover }
}

/**
 * Every cell that holds a point within `reachKm` of any point of the region, by rings around the region's centre. Such a cell
 * meets the disk of `reachKm` and the region's circumradius around that centre, so its own centre is at most its own
 * circumradius farther. The cells that meet a disk hang together, so beyond a whole ring that has none there are none.
 */
function findSurroundings(region: string, { reachKm, resolution, region: regionResolution }: Reach): Surroundings {
  const middle = cellToLatLng(region)
  const farthestKm = reachKm + circumradiusKm(regionResolution) + circumradiusKm(resolution)
  const [centre, farthest] = [unitVector(...middle), squaredChord(farthestKm)]
  const ringKm = RING_EDGES * getHexagonEdgeLengthAvg(resolution, UNITS.km)
  const around: Surroundings = { cells: [], centres: [] }
  for (let looked = 0, rings = Math.ceil(farthestKm / ringKm); ; rings++) {
    let within = 0
    for (const ring of gridDiskDistances(latLngToCell(...middle, resolution), rings).slice(looked))
      within = ring.filter((cell) => addWithin(around, cell, centre, farthest)).length
    if (within === 0) return around
    looked = rings + 1
  }
}

/** Adds the cell if its centre is near enough, and says so. */
function addWithin(around: Surroundings, cell: string, centre: Vector, farthest: number): boolean {
  // Four times as fast as a text, whose digits the library would read one by one.
  const [x, y, z] = unitVector(...cellToLatLng([Number.parseInt(cell.slice(-8), 16), Number.parseInt(cell.slice(0, -8), 16)]))
  const within = squaredDistance(centre, [x, y, z]) <= farthest
  if (within) {
    around.cells.push(cellNumber(cell))
    around.centres.push(x, y, z)
  }
  return within
}

type Vector = [number, number, number]

function unitVector(latitude: number, longitude: number): Vector {
  const [phi, lambda] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180]
  return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)]
}

function squaredDistance(a: Vector, b: Vector): number {
  return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2
}

/** The squared chord, on the unit sphere, of an arc of that many km: it orders as the arc does, up to half the globe. */
function squaredChord(arcKm: number): number {
  return (2 * Math.sin(arcKm / (2 * EARTH_RADIUS_KM))) ** 2
}
