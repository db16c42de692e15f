/** What patients search for: mostly doctors around them, some by specialization, fee, name or city, a few the second page. */
import { between, chance, fraction, pick, type Random, randomOf, weighted } from "../demo/random.ts"
import { SPECIALIZATIONS } from "../demo/specializations.ts"
import { type City, readCities } from "../demo/world.ts"

const SEED = 9
/** About ten kilometres, within which people live around the middle of their city. */
const ASIDE_DEGREES = 0.1
const NAMES = ["an", "mar", "lee", "son", "Ali"]
const CLINICS = ["clinic", "medical", "health"]

/** How many in a hundred. */
const KINDS: { weight: number; filters: (random: Random, city: City) => Record<string, string | number> }[] = [
  { weight: 40, filters: () => ({}) },
  { weight: 30, filters: (random) => ({ specialization: pickSpecialization(random).name }) },
  { weight: 10, filters: (random) => ({ maxFee: between(random, 5, 40) * 10 }) },
  { weight: 8, filters: () => ({ page: 2 }) },
  { weight: 5, filters: (random) => ({ radius: 50, clinicName: pick(random, CLINICS) }) },
  { weight: 4, filters: (random) => ({ name: pick(random, NAMES) }) },
]
/** The rest give a city, no position. */
const LISTING_SHARE = 0.03

const pickSpecialization = weighted(SPECIALIZATIONS, ({ weight }) => weight)

/** Paths with their queries, the same at every run. */
export function searches(count: number): string[] {
  const random = randomOf(SEED, "doctors")
  const pickCity = weighted(readCities(), ({ population }) => population)
  const pickKind = weighted(KINDS, ({ weight }) => weight)
  const aside = () => (2 * fraction(random) - 1) * ASIDE_DEGREES
  return Array.from({ length: count }, () => {
    const city = pickCity(random)
    const place = chance(random, LISTING_SHARE)
      ? { city: city.name }
      : { latitude: (city.latitude + aside()).toFixed(5), longitude: (city.longitude + aside()).toFixed(5) }
    const query = Object.entries({ ...place, ...pickKind(random).filters(random, city) })
    return `/api/v1/doctors/search?${query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&")}`
  })
}
