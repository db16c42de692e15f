/** How far squared chords can be trusted, and what decides where they cannot. */
import { EARTH_RADIUS_KM, haversineKm } from "../search/haversine.ts"

const RADIANS_PER_DEGREE = Math.PI / 180

/**
 * A place on the unit sphere. The same degrees give the same doubles.
 *
 * The product with π/180 is within 4e-16 of the true angle (at most π), sine and cosine add half a unit in the last place: each is
 * within 6e-16 of the truth, a product of two within 1.3e-15, and the whole vector within 2e-15.
 */
export function unitVector(latitude: number, longitude: number, into: Float64Array, at: number): void {
  const phi = latitude * RADIANS_PER_DEGREE
  const lambda = longitude * RADIANS_PER_DEGREE
  const cosine = Math.cos(phi)
  into[at] = cosine * Math.cos(lambda)
  into[at + 1] = cosine * Math.sin(lambda)
  into[at + 2] = Math.sin(phi)
}

/**
 * Squared chords, up to the 500 km that a search reaches, that differ by more than this are ordered as the doubles of haversineKm are.
 *
 * With c < 0.08 the true chord, the square of ours is within 2c · 4e-15 < 7e-16 of c², for each vector is within 2e-15.
 * haversineKm computes h = a² + C·b², a quarter of c², with a and b the sines of half the differences, C the product of the cosines.
 * a and b are within 1e-15 of the truth, as the angles are. The error of a² is below 2 · 0.04 · 1e-15, that of b² in C·b² below
 * 2 · √C · (√C · b) · 1e-15, both 8e-17. That of C is below 6e-16 times the sum s of the cosines, and s · b² < 0.1: where both
 * cosines are near 1, b² is near h/C < 0.002, and towards a pole, where b may be 1, C · b² < 0.0016 makes both small. So h is within 3e-16,
 * 4h within 1.2e-15. Root and arcsine keep the order but for 1e-15 of the value, which is below 1e-17 of the square. Two
 * doctors, each with both errors: 4e-15. This bound is five times as large; the errors that occur are a hundredth of it.
 */
export const SQUARE_TOLERANCE = 2e-14

/** The longest search, in chords of the unit sphere, with room: the tolerance holds up to here. */
export const CHORD_MAX = 0.08

/** Added to what nodes are pruned by: a thousand times the errors above, and a hundredth of a millimetre. */
export const CHORD_SLACK = 1e-12

/** On the unit sphere. */
export function chordOf(km: number): number {
  return 2 * Math.sin(km / (2 * EARTH_RADIUS_KM))
}

const METRES_PER_KM = 1_000
/** The series' first omitted term, in metres at CHORD_MAX, is 1e-7; the error of a chord is 1e-7 as well. This is ten times as large. */
const METRES_TOLERANCE = 2e-6

/**
 * Whole metres: what `Math.round(km * 1000)` gives for the double of haversineKm. From the series of 2R·asin(c/2), as long as no
 * half metre is near; −1 if one is.
 */
export function metresOf(squaredChord: number): number {
  const s = squaredChord
  const arc = Math.sqrt(s) * (1 + s * (1 / 24 + s * (3 / 640 + s * (5 / 7_168 + s * (35 / 294_912)))))
  const metres = EARTH_RADIUS_KM * METRES_PER_KM * arc
  const whole = Math.floor(metres)
  const beyondHalf = metres - whole - 0.5
  if (beyondHalf > METRES_TOLERANCE) return whole + 1
  return beyondHalf < -METRES_TOLERANCE ? whole : -1
}

export function exactMetres(latitude1: number, longitude1: number, latitude2: number, longitude2: number): number {
  return Math.round(haversineKm(latitude1, longitude1, latitude2, longitude2) * METRES_PER_KM)
}
