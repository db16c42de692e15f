import { one, type Pool, type Tx } from "../db.ts"
import { invalid, notFound } from "../errors.ts"
import { announce } from "../events/log.ts"
import { fitsCurrency } from "../fields.ts"
import {
  type Clinic,
  type DoctorFields,
  findDoctorOf,
  lockClinic,
  lockDoctorOf,
  lockDoctorsOfClinic,
  updateClinic,
  updateDoctor,
  updateDoctorClinic,
} from "./queries.ts"
import { zoneOf } from "./schedule/zone.ts"
import type { ChangeDoctor, DoctorProfile, OwnDoctorProfile } from "./schema.ts"

/** Changes the caller's own profile; what is not given stays. Every API process's searches follow through `doctor:changed`. */
export async function changeDoctor(pool: Pool, doctor: { uid: string; clinicId: string }, change: ChangeDoctor): Promise<OwnDoctorProfile> {
  return await pool.begin(async (tx) => {
    if (changesClinic(change)) await changeClinic(tx, doctor.clinicId, change)
    const before = await lockDoctorOf(tx, doctor.uid)
    if (!before) throw notFound("doctor")
    const after = merged(before, change)
    if (!fitsCurrency(after.consultationFee, change.currency ?? before.currency))
      throw invalid("consultationFee", "has more decimals than its currency")
    const version = await updateDoctor(tx, after)
    await announce(tx, { name: "doctor:changed", data: { doctorId: after.id, version }, about: { doctorId: after.id } })
    return one([await findDoctorOf(tx, doctor.uid)].filter((d) => d !== undefined))
  })
}

function changesClinic(change: ChangeDoctor): boolean {
  return [change.clinicName, change.clinicAddress, change.city, change.clinicLatitude].some((v) => v !== undefined)
}

/** The clinic's name and place stand in each of its doctors' rows: all change together, each with its event. */
async function changeClinic(tx: Tx, clinicId: string, change: ChangeDoctor): Promise<void> {
  const before = await lockClinic(tx, clinicId)
  const after: Clinic = {
    ...before,
    clinicName: change.clinicName ?? before.clinicName,
    clinicAddress: change.clinicAddress ?? before.clinicAddress,
    city: change.city ?? before.city,
    clinicLatitude: change.clinicLatitude ?? before.clinicLatitude,
    clinicLongitude: change.clinicLongitude ?? before.clinicLongitude,
  }
  const zoneBefore = zoneOf(before.clinicLatitude, before.clinicLongitude)
  after.clinicTimezone = zoneOf(after.clinicLatitude, after.clinicLongitude)
  await updateClinic(tx, after)
  for (const colleague of await lockDoctorsOfClinic(tx, clinicId)) {
    // A zone that was the place's moves with the place; one that was chosen stays.
    const timezone = colleague.timezone === zoneBefore ? after.clinicTimezone : colleague.timezone
    const version = await updateDoctorClinic(tx, colleague.id, timezone, after)
    await announce(tx, { name: "doctor:changed", data: { doctorId: colleague.id, version }, about: { doctorId: colleague.id } })
  }
}

function merged(before: DoctorProfile & { active: boolean }, change: ChangeDoctor): DoctorFields {
  return {
    id: before.id,
    name: change.name ?? before.name,
    specialization: change.specialization ?? before.specialization,
    consultationFee: change.consultationFee ?? before.consultationFee,
    currency: change.currency ?? before.currency,
    services: change.services ?? before.services,
    workingHours: change.workingHours ?? before.workingHours,
    slotMinutes: change.slotMinutes ?? before.slotMinutes,
    timezone: change.timezone ?? before.timezone,
    bio: change.bio === undefined ? before.bio : change.bio,
    active: change.active ?? before.active,
  }
}
