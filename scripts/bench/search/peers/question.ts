/** A search as all contenders are asked it: with the parameters of our endpoint. */
export type Question = {
  latitude: number
  longitude: number
  radiusKm: number
  specialization?: string
  minFee?: number
  maxFee?: number
}

export const LIMIT = 20
const PATH = "/api/v1/doctors/search"
export const ROUTE = PATH

export function pathOf(question: Question): string {
  const { latitude, longitude, radiusKm, specialization, minFee, maxFee } = question
  const query = Object.entries({ latitude, longitude, radius: radiusKm, specialization, minFee, maxFee, limit: LIMIT })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
  return `${PATH}?${query.join("&")}`
}

/** What the peers read from a query: no validation, no defaults. */
export function questionOf(query: Record<string, string>): Question {
  return {
    latitude: Number(query.latitude),
    longitude: Number(query.longitude),
    radiusKm: Number(query.radius),
    specialization: query.specialization,
    minFee: query.minFee === undefined ? undefined : Number(query.minFee),
    maxFee: query.maxFee === undefined ? undefined : Number(query.maxFee),
  }
}
