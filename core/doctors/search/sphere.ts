import { EARTH_RADIUS_KM } from "./haversine.ts"

export type Vector = [number, number, number]

export function unitVector(latitude: number, longitude: number): Vector {
  const [phi, lambda] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180]
  return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)]
}

/** The squared chord, on the unit sphere, of an arc of that many km, at most half the globe: it orders as the arc does. */
export function squaredChord(arcKm: number): number {
  return (2 * Math.sin(Math.min(arcKm / (2 * EARTH_RADIUS_KM), Math.PI / 2))) ** 2
}
