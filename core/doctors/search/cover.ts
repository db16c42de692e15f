/** Which places can hold a doctor within a radius, in few ranges of their numbers. */
import { getHexagonEdgeLengthAvg, UNITS } from "h3-js"
import { CellTree, ROOTS } from "./cell-tree.ts"
import { baseOf, PLACE_RESOLUTION, placeAfter, placeOf, spanOf } from "./places.ts"
import { RADIUS_MAX_KM } from "./schema.ts"
import { squaredChord, unitVector, type Vector } from "./sphere.ts"

/** Where a search looks from. */
export type Origin = { latitude: number; longitude: number; place: number; vector: Vector }

/** The lowest number of each range, in order, and how far it reaches beyond that. */
export class Ranges {
  readonly lows: number[] = []
  readonly spans: number[] = []
  /** The number that would continue the last. */
  #next = -1

  /** Adds a cell that comes after all others. */
  add(low: number, resolution: number): void {
    const span = spanOf(resolution)
    const last = this.lows.length - 1
    if (low === this.#next) this.spans[last] = low + span - (this.lows[last] as number)
    else {
      this.lows.push(low)
      this.spans.push(span)
    }
    this.#next = placeAfter(low, resolution)
  }
}
/** `inside`: every doctor there is within the radius. */
export type PartedCover = { inside: Ranges; rim: Ranges }

const edgeKm = Array.from({ length: PLACE_RESOLUTION + 1 }, (_, resolution) => getHexagonEdgeLengthAvg(resolution, UNITS.km))
/**
 * No corner of a cell is farther from its centre than this many average edges, and no child's centre than that many. The most is
 * 1.1012 and 0.7206, over all cells of coarse resolutions and 60,000 of each fine one with all pentagons: how wide a cell is depends
 * on its place on the icosahedron, not on the resolution.
 */
const CIRCUMRADIUS_EDGES = 1.12
const CHILD_EDGES = 0.74
/** How far from a cell's centre its places reach: beyond its own edges, for they are where its descendants are. */
const reachKm = edgeKm.map((_, resolution) =>
  edgeKm.slice(resolution, PLACE_RESOLUTION).reduce((km, edge) => km + CHILD_EDGES * edge, CIRCUMRADIUS_EDGES * (edgeKm.at(-1) as number)),
)

/** The base cells that a search from each may reach, in order: about a dozen. */
const rootsFrom: (readonly number[])[] = []
let tree = new CellTree()

export function originOf({ latitude, longitude }: { latitude: number; longitude: number }): Origin {
  return { latitude, longitude, place: placeOf(latitude, longitude), vector: unitVector(latitude, longitude) }
}

/** `fineness`: how many edges of the finest cells the radius is long at least. Finer cells are more ranges and fewer doctors beyond the rim. */
export function coverOf(origin: Origin, radiusKm: number, fineness: number): Ranges {
  const cover = new Ranges()
  walk(origin, radiusKm, fineness, cover, cover)
  return cover
}

/** As {@link coverOf}, with what is within the radius for certain apart. */
export function partedCoverOf(origin: Origin, radiusKm: number, fineness: number): PartedCover {
  const cover = { inside: new Ranges(), rim: new Ranges() }
  walk(origin, radiusKm, fineness, cover.inside, cover.rim)
  return cover
}

// Of the walk under way, by resolution: which node is next and where its siblings end; and squared chords: a cell with its centre beyond
// the one has nothing within the radius, within the other nothing beyond. Kept, for a walk takes no longer than making them.
const nextAt = new Int32Array(PLACE_RESOLUTION + 1)
const endAt = new Int32Array(PLACE_RESOLUTION + 1)
const outer = new Float64Array(PLACE_RESOLUTION + 1)
const inner = new Float64Array(PLACE_RESOLUTION + 1)

/** Goes through the tree in the order of the places, into all that is neither out of reach nor inside as a whole. */
function walk(origin: Origin, radiusKm: number, fineness: number, inside: Ranges, rim: Ranges): void {
  if (tree.isFull) tree = new CellTree()
  const finest = edgeKm.findIndex((edge) => edge * fineness <= radiusKm)
  const last = finest < 0 ? PLACE_RESOLUTION : finest
  for (let resolution = 0; resolution <= last; resolution++) {
    const km = reachKm[resolution] as number
    outer[resolution] = squaredChord(radiusKm + km)
    inner[resolution] = radiusKm > km ? squaredChord(radiusKm - km) : -1
  }
  for (const root of rootsOf(origin)) {
    nextAt[0] = root
    endAt[0] = root + 1
    descend(tree, origin.vector, last, inside, rim)
  }
}

function descend(cells: CellTree, [x, y, z]: Vector, last: number, inside: Ranges, rim: Ranges): void {
  let { centres } = cells
  for (let resolution = 0; resolution >= 0; ) {
    const node = nextAt[resolution] as number
    if (node === endAt[resolution]) {
      resolution--
      continue
    }
    nextAt[resolution] = node + 1
    const [dx, dy, dz] = [x - (centres[3 * node] as number), y - (centres[3 * node + 1] as number), z - (centres[3 * node + 2] as number)]
    const square = dx * dx + dy * dy + dz * dz
    if (square > (outer[resolution] as number)) continue
    if (square <= (inner[resolution] as number)) inside.add(cells.firsts[node] as number, resolution)
    else if (resolution === last) rim.add(cells.firsts[node] as number, resolution)
    else {
      const child = cells.firstChild(node, resolution++)
      centres = cells.centres
      nextAt[resolution] = child
      endAt[resolution] = child + cells.childCount(node)
    }
  }
}

function rootsOf({ place }: Origin): readonly number[] {
  const base = baseOf(place)
  const known = rootsFrom[base]
  if (known) return known
  const at = (root: number) => tree.centres.subarray(3 * root, 3 * root + 3)
  const farthest = squaredChord(RADIUS_MAX_KM + 2 * (reachKm[0] as number))
  const roots = Array.from({ length: ROOTS }, (_, root) => root).filter((root) => squaredDistance(at(root), at(base)) <= farthest)
  rootsFrom[base] = roots
  return roots
}

function squaredDistance(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2, 0)
}
