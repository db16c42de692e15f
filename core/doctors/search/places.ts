/** Places: the finest cells that doctors are searched by, as numbers whose order is the hierarchy of H3. */
import { latLngToCell } from "h3-js"

/** Edges of about half a kilometre. */
export const PLACE_RESOLUTION = 8
/** Each resolution adds a digit from 0 to 6. */
const DIGIT_BITS = 3
const DIGIT_UNUSED = 7
/** An H3 index has 15 digits, of which places have the first eight; the base cell is before them, and mode and resolution before that. */
const UNUSED_BITS = DIGIT_BITS * (15 - PLACE_RESOLUTION)
const PREFIX_CHARACTERS = 2
const MODE_CELL = 1 << 27
const RESOLUTION_BIT = 20

/** The number of a position's place: 7 bits of base cell and eight digits, so that Postgres' `integer` holds it. */
export function placeOf(latitude: number, longitude: number): number {
  return firstPlaceIn(latLngToCell(latitude, longitude, PLACE_RESOLUTION), PLACE_RESOLUTION)
}

/** The lowest number that a place in a cell can have. */
export function firstPlaceIn(cell: string, resolution: number): number {
  return firstPlaceAround(Math.floor(Number.parseInt(cell.slice(PREFIX_CHARACTERS), 16) / 2 ** UNUSED_BITS), resolution)
}

/** The same of the cell of that resolution that has the place. */
export function firstPlaceAround(place: number, resolution: number): number {
  return place & ~spanOf(resolution)
}

/** Which of the 122 coarsest cells has the place. */
export function baseOf(place: number): number {
  return place >> shiftOf(0)
}

/** How far the numbers of a cell's places reach beyond its lowest. */
export function spanOf(resolution: number): number {
  return (1 << shiftOf(resolution)) - 1
}

/** The lowest place of a cell's child. */
export function childPlace(first: number, resolution: number, digit: number): number {
  return first | (digit << shiftOf(resolution + 1))
}

/** The lowest number after a cell's that a place can have. */
export function placeAfter(first: number, resolution: number): number {
  let next = first + spanOf(resolution) + 1
  for (let bit = shiftOf(resolution); ((next >> bit) & DIGIT_UNUSED) === DIGIT_UNUSED; bit += DIGIT_BITS) next += 1 << bit
  return next
}

/** The H3 index of a cell in two halves of 32 bits, the lower first, as `h3-js` takes it: a text it would read digit by digit. */
export function indexOf(first: number, resolution: number): [number, number] {
  const place = first | spanOf(resolution)
  const lower = ((place << UNUSED_BITS) | ((1 << UNUSED_BITS) - 1)) >>> 0
  return [lower, MODE_CELL | (resolution << RESOLUTION_BIT) | (place >>> (32 - UNUSED_BITS))]
}

function shiftOf(resolution: number): number {
  return DIGIT_BITS * (PLACE_RESOLUTION - resolution)
}
