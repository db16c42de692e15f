/** How far squared chords can be trusted, and what decides where they cannot. */
import { EARTH_RADIUS_KM, haversineKm } from "../search/haversine.ts"

const RADIANS_PER_DEGREE = Math.PI / 180

/**
 * A place on the unit sphere. The same degrees give the same doubles.
 *
 * Sine and cosine are within one unit in the last place of their double argument, which the product with π/180 leaves 2^-52 from the
 * true one (angles are at most π): each is within 5e-16 of the truth, a product of two within 1e-15, and the place within 2e-15.
 */
export function unitVector(latitude: number, longitude: number, into: Float64Array, at: number): void {
  const [phi, lambda] = [latitude * RADIANS_PER_DEGREE, longitude * RADIANS_PER_DEGREE]
  const cosine = Math.cos(phi)
  into[at] = cosine * Math.cos(lambda)
  into[at + 1] = cosine * Math.sin(lambda)
  into[at + 2] = Math.sin(phi)
}

/**
 * Squared chords, up to the 500 km that a search reaches, that differ by more than this are ordered as the doubles of haversineKm are.
 *
 * A chord of two such vectors is within 4e-15 of the true one, and rounding adds less than 1e-16 of its square. Half a chord as
 * haversineKm has it is √(a² + cos φ₁ cos φ₂ b²) with a and b the sines of half the differences: each is within 1e-15, since a
 * difference of degrees is exact to 2^-53 of it and half of it at most π; the cosines are within 5e-16; so the root, which is
 * 1-Lipschitz in a and in √(cos φ₁ cos φ₂)·b, is within 3e-15 and its chord within 6e-15. (The errors of the cosines stand under
 * the root beside b² ≤ 1 and their own product: at a pole, where a cosine of 1e-16 may be wholly wrong, its share of the square is
 * below 1e-16 times b² times the other cosine, which for two places 500 km apart at most is below 0.08: 1e-17.) The arcsine adds three
 * units in the last place of at most 0.04: 2e-17. So two chords that differ by 3e-14 are ordered alike, and their squares then
 * differ by less than 3e-14 · 2 · 0.0785 = 4.8e-15, or below 1e-16 in the share of a pole. This bound is four times as large.
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
