/** The doctors of the clinics, in their order. Doctor number i is the same however many are asked for. */
import type { WorkingHours } from "../../core/doctors/schedule/working-hours.ts"
import { MONEY_MAX } from "../../core/fields.ts"
import { type Clinic, clinics, createdAt, pickSpecialization } from "./clinics.ts"
import { personName } from "./cultures.ts"
import { workingHours } from "./hours.ts"
import { demoUid } from "./people.ts"
import { between, chance, pick, pickSome, type Random, randomOf, uuidAt } from "./random.ts"
import { SPECIALIZATIONS, type Specialization } from "./specializations.ts"
import type { Currency } from "./world.ts"

export type Doctor = {
  id: string
  uid: string | null
  clinic: Clinic
  name: string
  specialization: string
  fee: number
  currency: string
  services: string[]
  workingHours: WorkingHours
  slotMinutes: number
  bio: string | null
  createdMs: number
}

const BIO_SHARE = 0.9
/** Fees of one field and country, in percent of the usual one. */
const FEE_SPREAD = { from: 75, to: 135 }

/** Open every day, so that there is always a slot to try. */
const DEMO_HOURS: WorkingHours = {
  mon: hours("08:00", "12:30", "13:30", "19:00"),
  tue: hours("08:00", "12:30", "13:30", "19:00"),
  wed: hours("08:00", "12:30", "13:30", "19:00"),
  thu: hours("08:00", "12:30", "13:30", "20:00"),
  fri: hours("08:00", "12:30", "13:30", "18:00"),
  sat: [["09:00", "16:00"]],
  sun: [["10:00", "16:00"]],
}

function hours(from: string, noon: string, afternoon: string, to: string): [string, string][] {
  return [
    [from, noon],
    [afternoon, to],
  ]
}

/** The first `count` doctors. */
export function* doctors(seed: number, count: number): Generator<Doctor, void> {
  const random = randomOf(seed, "doctors")
  let number = 0
  for (const clinic of clinics(seed)) {
    for (let colleague = 0; colleague < clinic.doctors; colleague++) {
      if (number === count) return
      const doctor = doctorOf(random, clinic, number)
      yield number === 0 ? demoDoctor(doctor) : doctor
      number++
    }
  }
}

/** The clinics in which the first `count` doctors work. */
export function* clinicsOf(seed: number, count: number): Generator<Clinic, void> {
  for (const clinic of clinics(seed)) {
    if (clinic.firstDoctor >= count) return
    yield clinic
  }
}

function doctorOf(random: Random, clinic: Clinic, number: number): Doctor {
  const createdMs = createdAt(number)
  const field = clinic.focus ?? pickSpecialization(random)
  const { currency } = clinic.city.country
  return {
    id: uuidAt(random, createdMs),
    uid: null,
    clinic,
    name: personName(random, clinic.city.culture),
    specialization: field.name,
    fee: feeOf(random, field, currency),
    currency: currency.code,
    services: pickSome(random, field.services, between(random, 2, field.services.length)),
    workingHours: workingHours(random, clinic.city.country),
    slotMinutes: pick(random, field.minutes),
    bio: chance(random, BIO_SHARE) ? bioOf(random, field, clinic) : null,
    createdMs,
  }
}

function demoDoctor(doctor: Doctor): Doctor {
  const field = SPECIALIZATIONS.find(({ name }) => name === "General Practice")
  if (!field) throw new Error("the demo doctor is in General Practice, which is not among the specializations")
  return {
    ...doctor,
    uid: demoUid.doctor,
    name: "Maya Thompson",
    specialization: field.name,
    fee: 140,
    services: [...field.services],
    workingHours: DEMO_HOURS,
    slotMinutes: 30,
    bio: "General practitioner in midtown Manhattan for fourteen years. Sees adults and children, and keeps an hour free each day for urgent visits.",
  }
}

/** Rounded to what people of the place would ask: a whole number of the currency's usual steps. */
function feeOf(random: Random, field: Specialization, { visit, step }: Currency): number {
  const usual = (visit * field.fee * between(random, FEE_SPREAD.from, FEE_SPREAD.to)) / 10_000
  return Math.min(Math.max(Math.round(usual / step), 1) * step, MONEY_MAX)
}

const YEARS = { from: 2, to: 38 }
const BIO_ENDINGS = [
  "Takes time to explain every finding.",
  "Sees urgent cases on the same day where possible.",
  "Works closely with the hospitals of the region.",
  "Teaches young doctors once a week.",
  "Offers telemedicine visits on request.",
  "Has a special interest in prevention.",
  "Welcomes new patients.",
  "Trained at home and abroad.",
]

function bioOf(random: Random, field: Specialization, clinic: Clinic): string {
  const years = between(random, YEARS.from, YEARS.to)
  const service = pick(random, field.services)
  return `${field.name}, ${years} years of practice, now in ${clinic.city.name}. Often consulted for: ${service}. ${pick(random, BIO_ENDINGS)}`
}
