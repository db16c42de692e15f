/** The demo's clustered doctors, and queries that patients of their cities would ask. */
import type { IndexedDoctor, NearQuery } from "../../../core/doctors/index/doctor-index.ts"
import { placeKey } from "../../../core/doctors/index/place-key.ts"
import { doctors } from "../../demo/doctors.ts"
import { between, chance, fraction, pick, randomOf } from "../../demo/random.ts"

const SEED = 1
/** About 2 km: patients search from home, not from the clinic's door. */
const STRAY_DEGREES = 0.02

/** The first `count` doctors of the demo, in the order of their cells. */
export function worldOf(count: number): IndexedDoctor[] {
  const rows = Array.from(doctors(SEED, count), ({ clinic, ...d }) => {
    const { high, low } = placeKey(clinic.latitude, clinic.longitude)
    const doctor: IndexedDoctor = {
      id: d.id,
      name: d.name,
      specialization: d.specialization,
      consultationFee: d.fee,
      currency: d.currency,
      clinicId: clinic.id,
      clinicName: clinic.name,
      clinicAddress: clinic.address,
      city: clinic.city.name,
      clinicLatitude: clinic.latitude,
      clinicLongitude: clinic.longitude,
      services: d.services,
      version: 1,
    }
    return { high, low, doctor }
  })
  rows.sort((a, b) => a.high - b.high || a.low - b.low)
  return rows.map(({ doctor }) => doctor)
}

/** Around doctors' own cities, as dense as they are; filters mixed. Radii wide enough that most answers are full. */
export function queriesOf(world: readonly IndexedDoctor[], count: number): NearQuery[] {
  const random = randomOf(SEED, "desk")
  const near = (degrees: number) => degrees + (2 * fraction(random) - 1) * STRAY_DEGREES
  return Array.from({ length: count }, () => {
    const doctor = pick(random, world)
    const fees = chance(random, 0.25)
    return {
      latitude: Math.max(-90, Math.min(90, near(doctor.clinicLatitude))),
      longitude: near(doctor.clinicLongitude),
      radius: pick(random, [10, 25, 50]),
      ...(chance(random, 0.75) ? { specialization: doctor.specialization } : {}),
      ...(fees ? { maxFee: (doctor.consultationFee * between(random, 80, 150)) / 100 } : {}),
      page: 1,
      limit: 20,
    }
  })
}
