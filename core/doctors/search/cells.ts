import { latLngToCell } from "h3-js"

/** The cells of a doctor's row, with edges of about 26 km, 3.7 km and 0.5 km, as decimal int8. Whoever writes a position writes these with it. */
export function cellsOf(latitude: number, longitude: number): { h3R4: string; h3R6: string; h3R8: string } {
  // The highest bit of an H3 index is always zero, so a signed int8 keeps it whole.
  const at = (resolution: 4 | 6 | 8) => BigInt(`0x${latLngToCell(latitude, longitude, resolution)}`).toString()
  return { h3R4: at(4), h3R6: at(6), h3R8: at(8) }
}
