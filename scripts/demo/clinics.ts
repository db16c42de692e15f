/** Clinics without end, in one order that depends on the seed alone: the first ones are the same however many doctors are asked for. */
import { zoneOf } from "../../core/doctors/schedule/zone.ts"
import { address, clinicName } from "./cultures.ts"
import { between, chance, fraction, type Random, randomOf, shuffled, uuidAt, weighted } from "./random.ts"
import { SPECIALIZATIONS, type Specialization } from "./specializations.ts"
import { type City, readCities } from "./world.ts"

export type Clinic = {
  id: string
  name: string
  address: string
  city: City
  latitude: number
  longitude: number
  verificationCode: string
  createdMs: number
  /** How many doctors came before, and how many work here. */
  firstDoctor: number
  doctors: number
  /** What all of its doctors do; a clinic without a focus has doctors of many kinds. */
  focus: Specialization | undefined
}

/** The demo world begins here, and one doctor joins a minute. */
const FIRST_DAY_MS = Date.parse("2024-01-01T00:00:00Z")
const MINUTE_MS = 60_000

/** Clinics of one doctor, of two, … of twelve, in a hundred. */
const pickSize = weighted(
  [35, 20, 12, 9, 7, 5, 4, 3, 2, 1, 1, 1].map((weight, index) => ({ weight, size: index + 1 })),
  ({ weight }) => weight,
)
const FOCUS_SHARE = 0.4
const CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
const CODE_LENGTH = 10

export const pickSpecialization = weighted(SPECIALIZATIONS, ({ weight }) => weight)

/**
 * Every other clinic is by population; the ones between go to each city once, so that small ones appear early. The first
 * is the demo's own, in the middle of New York.
 */
export function* clinics(seed: number): Generator<Clinic, never> {
  const random = randomOf(seed, "clinics")
  const cities = readCities()
  const pickCity = weighted(cities, ({ population }) => population)
  const round = shuffled(random, cities)
  const own = demoClinic(random, cities)
  yield own
  let firstDoctor = own.doctors
  for (;;) {
    const city = round.length > 0 && chance(random, 0.5) ? (round.pop() as City) : pickCity(random)
    const clinic = clinicIn(random, city, firstDoctor)
    yield clinic
    firstDoctor += clinic.doctors
  }
}

export const createdAt = (doctor: number) => FIRST_DAY_MS + doctor * MINUTE_MS

function clinicIn(random: Random, city: City, firstDoctor: number): Clinic {
  const createdMs = createdAt(firstDoctor)
  const doctors = pickSize(random).size
  return {
    id: uuidAt(random, createdMs),
    name: clinicName(random, city.culture, city.name),
    address: address(random, city.culture, city.name),
    city,
    ...placeIn(random, city),
    verificationCode: code(random),
    createdMs,
    firstDoctor,
    doctors,
    focus: doctors > 1 && chance(random, FOCUS_SHARE) ? pickSpecialization(random) : undefined,
  }
}

function demoClinic(random: Random, cities: readonly City[]): Clinic {
  const city = cities.find(({ name }) => name === "New York")
  if (!city) throw new Error("the demo clinic stands in New York, which is not among the cities")
  return {
    ...clinicIn(random, city, 0),
    name: "Bryant Park Medical Associates",
    address: "25 West 40th Street, New York",
    latitude: 40.75301,
    longitude: -73.98234,
    doctors: 5,
    focus: undefined,
  }
}

function code(random: Random): string {
  return Array.from({ length: CODE_LENGTH }, () => CODE_ALPHABET[between(random, 0, CODE_ALPHABET.length - 1)]).join("")
}

const KM_PER_DEGREE = 111.195
/** How far practices lie from the centre at most: 4 km, and 5 km more for a million people, growing as the root of their number. */
const CORE_KM = 4
const GROWTH_KM = 5
/** So near the centre a direction says nothing of the shore. */
const SHORE_KM = 1
/** Each try fails with a chance of 7/8 at worst; after so many the clinic stands in the centre. */
const PLACE_TRIES = 60

/** A place in the city: as many at each distance, so ever more to the square kilometre towards the centre; on land, in the city's zone. */
function placeIn(random: Random, city: City): { latitude: number; longitude: number } {
  const reachKm = CORE_KM + GROWTH_KM * Math.sqrt(city.population / 1_000_000)
  for (let tries = 0; tries < PLACE_TRIES; tries++) {
    const [east, north] = direction(random)
    const km = reachKm * fraction(random)
    if (km > SHORE_KM && city.water.has(compass(east, north))) continue
    const latitude = rounded(city.latitude + (north * km) / KM_PER_DEGREE)
    const longitude = rounded(city.longitude + (east * km) / (KM_PER_DEGREE * shrink(city.latitude)))
    if (zoneOf(latitude, longitude) === city.timezone) return { latitude, longitude }
  }
  return { latitude: city.latitude, longitude: city.longitude }
}

/** A unit vector, without trigonometry, whose last digits differ between machines. */
function direction(random: Random): [east: number, north: number] {
  for (;;) {
    const x = 2 * fraction(random) - 1
    const y = 2 * fraction(random) - 1
    const square = x * x + y * y
    if (square > 0.01 && square <= 1) return [x / Math.sqrt(square), y / Math.sqrt(square)]
  }
}

/** sin 22.5°: half of the eighth of a circle that belongs to each direction. */
const HALF_EIGHTH = 0.3827

function compass(east: number, north: number): string {
  const northSouth = north > HALF_EIGHTH ? "N" : north < -HALF_EIGHTH ? "S" : ""
  const eastWest = east > HALF_EIGHTH ? "E" : east < -HALF_EIGHTH ? "W" : ""
  return northSouth + eastWest
}

/** About a metre. */
const rounded = (degrees: number) => Math.round(degrees * 1e5) / 1e5
/** How much shorter a degree of longitude is than one of latitude; rounded, so that it is the same on every machine. */
const shrink = (latitude: number) => Math.round(Math.cos((latitude * Math.PI) / 180) * 1e4) / 1e4
