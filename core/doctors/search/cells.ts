import { latLngToCell } from "h3-js"

/** The H3 resolutions that a doctor's row is indexed by: edges of about 26 km, 3.7 km and 0.5 km. */
export const RESOLUTIONS = [4, 6, 8] as const
export type Resolution = (typeof RESOLUTIONS)[number]

/** An H3 index as Postgres holds it. Its highest bit is always zero, so a signed int8 keeps it whole. */
export function cellNumber(cell: string): string {
  return BigInt(`0x${cell}`).toString()
}

/** A row's cells, as decimal int8. Whoever writes a doctor's position writes these with it. */
export function cellsOf(latitude: number, longitude: number): { h3R4: string; h3R6: string; h3R8: string } {
  const at = (resolution: Resolution) => cellNumber(latLngToCell(latitude, longitude, resolution))
  return { h3R4: at(4), h3R6: at(6), h3R8: at(8) }
}
