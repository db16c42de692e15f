import { expect, test } from "bun:test"
import { zoneOf } from "../../core/doctors/schedule/zone.ts"
import { CreateDoctor } from "../../core/doctors/schema.ts"
import { haversineKm } from "../../core/doctors/search/haversine.ts"
import { fitsCurrency } from "../../core/fields.ts"
import type { Clinic } from "./clinics.ts"
import { clinicsOf, type Doctor, doctors } from "./doctors.ts"

const COUNT = 20_000
const SEED = 7
const all = [...doctors(SEED, COUNT)]

/** What a client would have sent to make this doctor. */
function asInput(doctor: Doctor): unknown {
  const { clinic } = doctor
  return {
    name: doctor.name,
    specialization: doctor.specialization,
    consultationFee: doctor.fee,
    currency: doctor.currency,
    clinicName: clinic.name,
    clinicAddress: clinic.address,
    city: clinic.city.name,
    clinicLatitude: clinic.latitude,
    clinicLongitude: clinic.longitude,
    services: doctor.services,
    workingHours: doctor.workingHours,
    slotMinutes: doctor.slotMinutes,
    timezone: clinic.city.timezone,
    bio: doctor.bio,
  }
}

const kmFromCentre = ({ latitude, longitude, city }: Clinic) => haversineKm(latitude, longitude, city.latitude, city.longitude)

test("every doctor could have been onboarded through the API as they are", () => {
  for (const doctor of all) expect(CreateDoctor.parse(asInput(doctor))).toEqual(asInput(doctor) as CreateDoctor)
})

test("20,000 doctors are spread over at least 300 cities, more where more people live, in forty specializations", () => {
  const perCity = Map.groupBy(all, ({ clinic }) => clinic.city)
  expect(perCity.size).toBeGreaterThanOrEqual(300)
  expect(new Set(all.map(({ specialization }) => specialization)).size).toBe(40)
  const inLarge = all.filter(({ clinic }) => clinic.city.population > 10_000_000).length
  const inSmall = all.filter(({ clinic }) => clinic.city.population < 1_000_000).length
  expect(inLarge).toBeGreaterThan(3 * inSmall)
})

test("the default 2,000 doctors already reach 300 cities", () => {
  expect(new Set(all.slice(0, 2_000).map(({ clinic }) => clinic.city)).size).toBeGreaterThanOrEqual(300)
})

test("a doctor's zone is what a lookup of the clinic's place finds", () => {
  const differing = all.filter(({ clinic }) => zoneOf(clinic.latitude, clinic.longitude) !== clinic.city.timezone)
  expect(differing.length).toBe(0)
})

test("clinics have one to twelve doctors and crowd towards the centre of their city", () => {
  const clinics = [...clinicsOf(SEED, COUNT)].slice(0, -1)
  const staff = new Set(clinics.map((clinic) => clinic.doctors))
  expect([...staff].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  const inTokyo = clinics.filter(({ city }) => city.name === "Tokyo").map(kmFromCentre)
  const farthest = Math.max(...inTokyo)
  expect(farthest).toBeLessThan(40)
  // Evenly spread, a quarter would lie within half of the way.
  expect(inTokyo.filter((km) => km < farthest / 2).length).toBeGreaterThan(inTokyo.length * 0.4)
  for (const clinic of clinics) expect(kmFromCentre(clinic)).toBeLessThan(40)
})

test("fees have as many decimals as their currency, and hours come in many kinds", () => {
  for (const { fee, currency } of all) expect(fitsCurrency(fee, currency)).toBe(true)
  const weeks = all.map(({ workingHours }) => workingHours)
  const withBreak = weeks.filter(({ tue = [] }) => tue.length === 2).length
  expect(withBreak).toBeGreaterThan(COUNT / 4)
  expect(weeks.some(({ sat, mon }) => sat?.[0]?.[1] === "13:00" && mon?.length)).toBe(true)
  expect(weeks.some(({ sun, fri }) => sun && !fri)).toBe(true)
  expect(weeks.some(({ mon }) => mon?.[0]?.[0] === "00:00" && mon[0]?.[1] === "24:00")).toBe(true)
  expect(weeks.some(({ mon }) => mon?.[0]?.[0] === "00:00" && mon[1]?.[1] === "24:00")).toBe(true)
  expect(new Set(all.map(({ slotMinutes }) => slotMinutes))).toEqual(new Set([10, 15, 20, 30, 45, 60]))
})

test("one seed gives one world, doctor i is the same however many are asked for, and another seed gives another", () => {
  expect([...doctors(SEED, 500)]).toEqual(all.slice(0, 500))
  expect([...doctors(SEED + 1, 10)].map(({ id }) => id)).not.toEqual(all.slice(0, 10).map(({ id }) => id))
})

test("ids are distinct UUIDs of version 7, in the order of their doctors", () => {
  const ids = all.map(({ id }) => id)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(ids.toSorted()).toEqual(ids)
  expect(new Set(ids).size).toBe(COUNT)
})
