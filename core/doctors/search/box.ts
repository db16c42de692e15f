import { EARTH_RADIUS_KM } from "./haversine.ts"

const DEGREES_PER_RADIAN = 180 / Math.PI
/** Added to what a box spans, far beyond the error of any sum here: a tenth of a millimetre and a billionth. */
const SLACK_DEGREES = 1e-9
const SLACK_SHARE = 1e-9
/** Nearer to a pole every longitude is near. */
const POLAR_DEGREES = 89.9
const EVERYWHERE = 360
/** A metre. */
const STEPS_A_DEGREE = 100_000

/** How many degrees of latitude and longitude, at most, lie between a position and anything within a radius of it. */
export type Reach = { latitude: number; longitude: number }

/**
 * From the meridians that touch the disk: sin Δλ = sin r / cos φ (J. Matuschek, "Finding Points Within a Distance of a Latitude/Longitude
 * Using Bounding Coordinates"). Where a pole or the antimeridian is that near, 360 degrees of longitude: whoever compares lets all pass.
 */
export function reachOf(latitude: number, longitude: number, radiusKm: number): Reach {
  const radius = (radiusKm / EARTH_RADIUS_KM) * (1 + SLACK_SHARE)
  const north = upwards(radius * DEGREES_PER_RADIAN)
  if (Math.abs(latitude) + north >= POLAR_DEGREES) return { latitude: north, longitude: EVERYWHERE }
  const sine = Math.sin(radius) / Math.cos(latitude / DEGREES_PER_RADIAN)
  const east = upwards(Math.asin(sine) * DEGREES_PER_RADIAN * (1 + SLACK_SHARE))
  return { latitude: north, longitude: Math.abs(longitude) + east < 180 ? east : EVERYWHERE }
}

/** To a number with few digits, which are written, sent and read. */
function upwards(degrees: number): number {
  return Math.ceil((degrees + SLACK_DEGREES) * STEPS_A_DEGREE) / STEPS_A_DEGREE
}
