/** Mean Earth radius of the IUGG, as the contract names it. */
export const EARTH_RADIUS_KM = 6371.0088

const RADIANS_PER_DEGREE = Math.PI / 180

/**
 * Great-circle distance in km between two positions in degrees (R. W. Sinnott, "Virtues of the Haversine", 1984).
 * The statements of queries.ts compute the same operations in the same order, so both come to the same double: a doctor
 * exactly on the rim is inside, and equal distances are equal, whoever computes them.
 */
export function haversineKm(latitude1: number, longitude1: number, latitude2: number, longitude2: number): number {
  const sinLatitude = Math.sin(((latitude2 - latitude1) * RADIANS_PER_DEGREE) / 2)
  const sinLongitude = Math.sin(((longitude2 - longitude1) * RADIANS_PER_DEGREE) / 2)
  const h =
    sinLatitude * sinLatitude +
    Math.cos(latitude1 * RADIANS_PER_DEGREE) * Math.cos(latitude2 * RADIANS_PER_DEGREE) * (sinLongitude * sinLongitude)
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(h)))
}
