/**
 * Where a doctor stands in an H3 tree: the digits of a place's finest H3 cell. Digit 0 is the icosahedron's vertex (the pentagon)
 * that the base cell is nearest to, digit 1 the base cell, 2 to 16 the children of resolutions 1 to 15. Doctors of one finest
 * cell go on by the bits of their slots, so that no two keys are equal and no node holds more than it may.
 */
import { cellToLatLng, getPentagons, getRes0Cells, greatCircleDistance, UNITS } from "h3-js"
import libh3 from "h3-js/dist/libh3-browser.js"

/** Base cell (7 bits) and the digits of resolutions 1 to 7, then those of 8 to 15. */
export type PlaceKey = { high: number; low: number }

const FINEST = 15
const HIGH_DIGITS_BITS = 21
const FIRST_LOW_DIGIT = 9
const FIRST_SLOT_DIGIT = 17

/** A cell's number is hexadecimal: one digit for the kind, one for the resolution, then 52 bits of which these are the upper 28. */
const HIGH_FROM = 2
const LOW_FROM = 9
/** The same of its two words: what the upper one has of those 52 bits, and how many of the lower one's are the lower digits. */
const UPPER_MASK = 0xfffff
const LOW_BITS = 24

/** By base cell: its vertex, and its rank when base cells are ordered by vertex. */
const { vertexOfRank, rankOfBase } = rankBaseCells()

const LAST_VERTEX = 11
const lastRank = (vertex: number) => vertexOfRank.lastIndexOf(vertex)

function rankBaseCells() {
  const vertices = getPentagons(0).map((cell) => cellToLatLng(cell))
  const cells = getRes0Cells().map((cell) => {
    const km = vertices.map((vertex) => greatCircleDistance(cellToLatLng(cell), vertex, UNITS.km))
    return { base: Number.parseInt(cell.slice(HIGH_FROM, LOW_FROM), 16) >>> HIGH_DIGITS_BITS, vertex: km.indexOf(Math.min(...km)) }
  })
  cells.sort((a, b) => a.vertex - b.vertex || a.base - b.base)
  const ranks = new Int32Array(cells.length)
  for (const [rank, { base }] of cells.entries()) ranks[base] = rank
  return { vertexOfRank: Int32Array.from(cells, ({ vertex }) => vertex), rankOfBase: ranks }
}

/** Of the C library: latitude and longitude in radians, and the cell's two words. */
const place = libh3._malloc(2 * Float64Array.BYTES_PER_ELEMENT)
const cell = libh3._malloc(2 * Int32Array.BYTES_PER_ELEMENT)

/**
 * What `latLngToCell` of h3-js says as a text, of which it makes seven others first: with them a load of a million doctors leaves two million
 * behind, which the collector then frees in pieces that hold everyone up. Callers remember the last place.
 */
export function placeKey(latitude: number, longitude: number): PlaceKey {
  const at = place / Float64Array.BYTES_PER_ELEMENT
  libh3.HEAPF64[at] = (latitude * Math.PI) / 180
  libh3.HEAPF64[at + 1] = (longitude * Math.PI) / 180
  const error = libh3._latLngToCell(place, FINEST, cell)
  if (error !== 0) throw new RangeError(`no H3 cell is at ${latitude}, ${longitude}: error ${error} of the library`)
  const lower = libh3.HEAP32[cell / Int32Array.BYTES_PER_ELEMENT] as number
  const upper = libh3.HEAP32[cell / Int32Array.BYTES_PER_ELEMENT + 1] as number
  const high = ((upper & UPPER_MASK) << (32 - LOW_BITS)) | (lower >>> LOW_BITS)
  const rank = rankOfBase[high >>> HIGH_DIGITS_BITS] as number
  return { high: (rank << HIGH_DIGITS_BITS) | (high & ((1 << HIGH_DIGITS_BITS) - 1)), low: lower & ((1 << LOW_BITS) - 1) }
}

/** One digit of a key: under a node, its children differ in it. */
export function digitAt(depth: number, high: number, low: number, slot: number): number {
  if (depth < 2) return depth === 1 ? high >>> HIGH_DIGITS_BITS : (vertexOfRank[high >>> HIGH_DIGITS_BITS] as number)
  if (depth < FIRST_LOW_DIGIT) return (high >>> (3 * (FIRST_LOW_DIGIT - 1 - depth))) & 7
  if (depth < FIRST_SLOT_DIGIT) return (low >>> (3 * (FIRST_SLOT_DIGIT - 1 - depth))) & 7
  return (slot >>> (3 * (depth - FIRST_SLOT_DIGIT))) & 7
}

/** How many digits two keys have in common before they part. The keys of two slots always part. */
export function commonDigits(high1: number, low1: number, slot1: number, high2: number, low2: number, slot2: number): number {
  if (high1 !== high2) {
    const bits = high1 ^ high2
    const first = 31 - Math.clz32(bits)
    if (first < HIGH_DIGITS_BITS) return FIRST_LOW_DIGIT - 1 - Math.trunc(first / 3)
    return vertexOfRank[high1 >>> HIGH_DIGITS_BITS] === vertexOfRank[high2 >>> HIGH_DIGITS_BITS] ? 1 : 0
  }
  if (low1 !== low2) return FIRST_SLOT_DIGIT - 1 - Math.trunc((31 - Math.clz32(low1 ^ low2)) / 3)
  const bits = slot1 ^ slot2
  return FIRST_SLOT_DIGIT + Math.trunc((31 - Math.clz32(bits & -bits)) / 3)
}

/** The order in which slots of one finest cell lie: by their digits. */
export function bySlotDigits(slot1: number, slot2: number): number {
  const bits = slot1 ^ slot2
  if (bits === 0) return 0
  const depth = FIRST_SLOT_DIGIT + Math.trunc((31 - Math.clz32(bits & -bits)) / 3)
  return digitAt(depth, 0, 0, slot1) - digitAt(depth, 0, 0, slot2)
}

/** The last of all keys that begin with the same digits, up to `depth`. */
export function lastKey(depth: number, high: number, low: number, slot: number): { high: number; low: number; slot: number } {
  const rank =
    depth > 1 ? high >>> HIGH_DIGITS_BITS : lastRank(depth === 0 ? LAST_VERTEX : (vertexOfRank[high >>> HIGH_DIGITS_BITS] as number))
  const bits = (digits: number) => 2 ** (3 * Math.max(0, digits)) - 1
  return {
    high: (rank << HIGH_DIGITS_BITS) | (high & ((1 << HIGH_DIGITS_BITS) - 1)) | bits(Math.min(7, FIRST_LOW_DIGIT - depth)),
    low: low | bits(Math.min(8, FIRST_SLOT_DIGIT - depth)),
    slot: depth <= FIRST_SLOT_DIGIT ? -1 : slot | (-1 << (3 * (depth - FIRST_SLOT_DIGIT))),
  }
}
