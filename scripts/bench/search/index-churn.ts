/** A day's worth of changes: as many as there are doctors. */
import type { DoctorIndex, IndexedDoctor } from "../../../core/doctors/index/doctor-index.ts"
import { placeKey } from "../../../core/doctors/index/place-key.ts"
import { between, pick, randomOf } from "../../demo/random.ts"

const SEED = 2
/** Upkeep gets this long after so many changes, as between requests. */
const UPKEEP_MS = 2
const CHANGES_BETWEEN = 200

/** Changes a doctor at random: half of them the fee, a quarter the name, a quarter go to another's clinic. */
function changed(doctor: IndexedDoctor, other: IndexedDoctor, kind: number): IndexedDoctor {
  const version = doctor.version + 1
  if (kind < 2) return { ...doctor, version, consultationFee: other.consultationFee }
  if (kind === 2) return { ...doctor, version, name: other.name }
  const { clinicId, clinicName, clinicAddress, city, clinicLatitude, clinicLongitude } = other
  return { ...doctor, version, clinicId, clinicName, clinicAddress, city, clinicLatitude, clinicLongitude }
}

/** Makes the changes, with upkeep between them until none is left to do. Returns the doctors as they then are, by place. */
export function churn(index: DoctorIndex, before: readonly IndexedDoctor[]) {
  const world = [...before]
  const random = randomOf(SEED, "doctors")
  let [changesMs, upkeepMs] = [0, 0]
  for (let done = 0; done < world.length; done += CHANGES_BETWEEN) {
    const started = performance.now()
    for (let i = 0; i < CHANGES_BETWEEN; i++) {
      const nth = between(random, 0, world.length - 1)
      const doctor = changed(world[nth] as IndexedDoctor, pick(random, before), between(random, 0, 3))
      world[nth] = doctor
      index.upsert(doctor)
    }
    const kept = performance.now()
    index.maintain(UPKEEP_MS)
    changesMs += kept - started
    upkeepMs += performance.now() - kept
  }
  const started = performance.now()
  while (index.maintain(UPKEEP_MS));
  upkeepMs += performance.now() - started
  return { world: byPlace(world), changes: world.length, usPerChange: (changesMs * 1000) / world.length, upkeepSeconds: upkeepMs / 1000 }
}

function byPlace(world: readonly IndexedDoctor[]): IndexedDoctor[] {
  const keyed = world.map((doctor) => ({ doctor, ...placeKey(doctor.clinicLatitude, doctor.clinicLongitude) }))
  keyed.sort((a, b) => a.high - b.high || a.low - b.low)
  return keyed.map(({ doctor }) => doctor)
}
