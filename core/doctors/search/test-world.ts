/** Random worlds of doctors, what a search of them must answer by brute force, and the places where grids of the globe go wrong. */
import fc from "fast-check"
import { cellToLatLng, getPentagons } from "h3-js"
import type { Pool } from "../../db.ts"
import { snapDegrees } from "../../fields.ts"
import { caseKey, fold } from "../../text.ts"
import { cellsOf } from "./cells.ts"
import { haversineKm } from "./haversine.ts"
import type { SearchAnswer, SearchQuery } from "./schema.ts"

export type Place = { latitude: number; longitude: number }
export type TestDoctor = Place & {
  id: string
  name: string
  specialization: string
  clinicName: string
  city: string
  fee: number
  active: boolean
}

const CLINIC_ID = "01890000-0000-7000-8000-000000000001"
const KM_PER_DEGREE = 111.2

export async function insertClinic(pool: Pool): Promise<void> {
  await pool`
    insert into clinics (id, name, address, city, city_key, latitude, longitude, timezone, verification_code)
    values (${CLINIC_ID}, 'A', 'B', 'C', 'c', 0, 0, 'UTC', 'X')`
}

/** Replaces all doctors. */
export async function fillWorld(pool: Pool, doctors: TestDoctor[]): Promise<void> {
  const rows = doctors.map((d) => {
    const { h3R4, h3R6, h3R8 } = cellsOf(d.latitude, d.longitude)
    const derived = { key: caseKey(d.specialization), nameFold: fold(d.name), clinicFold: fold(d.clinicName), cityKey: caseKey(d.city) }
    return { ...d, ...derived, h3R4, h3R6, h3R8 }
  })
  await pool`delete from doctors`
  await pool`
    insert into doctors (id, clinic_id, name, name_fold, specialization, specialization_key, consultation_fee, currency, clinic_name,
      clinic_name_fold, clinic_address, city, city_key, clinic_latitude, clinic_longitude, h3_r4, h3_r6, h3_r8, services, working_hours, timezone, active)
    select id, ${CLINIC_ID}, name, "nameFold", specialization, key, fee, 'EUR', "clinicName",
      "clinicFold", '1 Main Street', city, "cityKey", latitude, longitude, "h3R4", "h3R6", "h3R8", '{consultation}', '{}', 'UTC', active
    from jsonb_to_recordset(${pool.json(rows)}) as w (id uuid, name text, "nameFold" text, specialization text, key text, fee numeric,
      "clinicName" text, "clinicFold" text, city text, "cityKey" text, latitude float8, longitude float8, "h3R4" int8, "h3R6" int8, "h3R8" int8,
      active boolean)`
}

/** The answer by looking at every doctor. */
export function bruteForce(doctors: TestDoctor[], q: SearchQuery): SearchAnswer {
  const km = (d: Place) =>
    q.latitude === undefined || q.longitude === undefined ? 0 : haversineKm(q.latitude, q.longitude, d.latitude, d.longitude)
  const near = q.latitude !== undefined
  const hits = doctors
    .filter((d) => d.active && passes(d, q) && (!near || km(d) <= q.radius))
    .sort((a, b) => (near ? km(a) - km(b) : Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))) || (a.id < b.id ? -1 : 1))
  const data = hits.slice((q.page - 1) * q.limit, q.page * q.limit).map((d) => ({
    id: d.id,
    name: d.name,
    specialization: d.specialization,
    consultationFee: d.fee,
    currency: "EUR",
    clinicId: CLINIC_ID,
    clinicName: d.clinicName,
    clinicAddress: "1 Main Street",
    city: d.city,
    clinicLatitude: d.latitude,
    clinicLongitude: d.longitude,
    services: ["consultation"],
    distanceKm: near ? Math.round(km(d) * 1000) / 1000 : null,
  }))
  return { data, page: q.page, limit: q.limit, total: Math.min(hits.length, 1000), totalIsExact: hits.length <= 1000 }
}

function passes(d: TestDoctor, q: SearchQuery): boolean {
  return (
    (q.specialization === undefined || d.specialization.toLowerCase() === q.specialization.toLowerCase()) &&
    (q.city === undefined || d.city.toLowerCase() === q.city.toLowerCase()) &&
    (q.name === undefined || fold(d.name).includes(fold(q.name))) &&
    (q.clinicName === undefined || fold(d.clinicName).includes(fold(q.clinicName))) &&
    (q.minFee === undefined || d.fee >= q.minFee) &&
    (q.maxFee === undefined || d.fee <= q.maxFee)
  )
}

/** They have the same centres at every resolution; test-pentagons.ts goes through the cells. */
const PENTAGONS = getPentagons(0).map((cell) => cellToLatLng(cell))
const ODD_PLACES: Place[] = [
  ...PENTAGONS.map(([latitude, longitude]) => ({ latitude, longitude })),
  ...[90, -90, 89.9999, -89.99].flatMap((latitude) => [0, 180, -123].map((longitude) => ({ latitude, longitude }))),
  ...[0, 67.3, -16.5].flatMap((latitude) => [180, -180, 179.9999, -179.999].map((longitude) => ({ latitude, longitude }))),
]

const STEPS = 2 ** 31 - 1
/** As likely here as there between the two. (fc.double gives one double as often as another, and nearly all of those are next to zero.) */
const evenly = (min: number, max: number) => fc.integer({ min: 0, max: STEPS }).map((n) => min + ((max - min) * n) / STEPS)

/** Evenly over the sphere, not over its degrees. */
const anywhere: fc.Arbitrary<Place> = fc
  .tuple(evenly(-1, 1), evenly(-180, 180))
  .map(([z, longitude]) => ({ latitude: (Math.asin(z) * 180) / Math.PI, longitude }))

export const anchor: fc.Arbitrary<Place> = fc.oneof(
  { weight: 1, arbitrary: anywhere },
  { weight: 2, arbitrary: fc.constantFrom(...ODD_PLACES) },
)

/** A place within some km of another, over poles and the antimeridian as well. */
export const placeNear = (around: Place, km: number): fc.Arbitrary<Place> =>
  fc.tuple(evenly(0, 1), evenly(0, 2 * Math.PI)).map(([share, bearing]) => {
    const radians = (Math.PI / 180) * ((share * km) / KM_PER_DEGREE)
    const [phi, lambda] = [(around.latitude * Math.PI) / 180, (around.longitude * Math.PI) / 180]
    const sine = Math.sin(phi) * Math.cos(radians) + Math.cos(phi) * Math.sin(radians) * Math.cos(bearing)
    const east = Math.atan2(Math.sin(bearing) * Math.sin(radians) * Math.cos(phi), Math.cos(radians) - Math.sin(phi) * sine)
    const longitude = ((lambda + east) * 180) / Math.PI
    return { latitude: (Math.asin(Math.max(-1, Math.min(1, sine))) * 180) / Math.PI, longitude: ((longitude + 540) % 360) - 180 }
  })

const NAMES = [
  "Łukasz Żak",
  "Søren Ærø",
  "Ada 100%",
  "a_b\\c",
  "Ada Lovelace",
  "Zoë O'Neil",
  "ΣΙΣΥΦΟΣ",
  "İpek Işık",
  "Straße",
  "Nguyễn Thị",
  "ada",
]
const PARTS = [
  "lukasz",
  "ŁU",
  "soren",
  "ær",
  "%",
  "_",
  "\\",
  "a_b",
  "ada",
  "ADA",
  "oe",
  "zoe",
  "σισυφος",
  "ipek",
  "STRASSE",
  "nguyen thi",
  "",
  "q",
  "a",
]
const SPECIALIZATIONS = ["Cardiology", "CARDIOLOGY", "Dermatology", "Family medicine"]
const CITIES = ["New York", "new york", "Paris"]
const FEES = [0, 50, 99.99, 100, 150.5]

export const doctorAt = (place: fc.Arbitrary<Place>): fc.Arbitrary<TestDoctor> =>
  fc
    .record({
      place,
      id: fc.uuid({ version: 7 }),
      name: fc.constantFrom(...NAMES),
      specialization: fc.constantFrom(...SPECIALIZATIONS),
      clinicName: fc.constantFrom(...NAMES),
      city: fc.constantFrom(...CITIES),
      fee: fc.constantFrom(...FEES),
      active: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
    })
    .map(({ place: { latitude, longitude }, ...d }) => ({ ...d, latitude: snapDegrees(latitude), longitude: snapDegrees(longitude) }))

const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.option(arbitrary, { nil: undefined, freq: 2 }).chain((v) => fc.constantFrom(v, undefined))

/** The filters and the page of a query; where to search is the caller's. */
export const filtersAndPage = fc.record({
  specialization: rarely(fc.constantFrom("cardiology", "DERMATOLOGY", "Family Medicine", "family")),
  name: rarely(fc.constantFrom(...PARTS)),
  clinicName: rarely(fc.constantFrom(...PARTS)),
  minFee: rarely(fc.constantFrom(0, 50, 99.99)),
  maxFee: rarely(fc.constantFrom(99.99, 100, 150.5, 1e300)),
  city: rarely(fc.constantFrom("NEW YORK", "paris", "par")),
  page: fc.constantFrom(1, 1, 1, 2, 3),
  limit: fc.constantFrom(1, 3, 20, 100),
})
