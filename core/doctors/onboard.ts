import { claimRole } from "../accounts/claim.ts"
import { sameCode, verificationCode, WrongCode } from "../clinics/verification.ts"
import { type Db, one, type Tx } from "../db.ts"
import { announce } from "../events/log.ts"
import { DEFAULT_CURRENCY } from "../fields.ts"
import { type Clinic, type DoctorFields, findDoctorOf, insertClinic, insertDoctor, lockClinicToJoin } from "./queries.ts"
import { zoneOf } from "./schedule/zone.ts"
import type { CreateDoctor, OwnDoctorProfile } from "./schema.ts"

const DEFAULT_SLOT_MINUTES = 30

/** Makes the caller a doctor, of a new clinic or of one whose code they know. Patients of the same city hear `doctor:new`. */
export async function onboardDoctor(tx: Tx, uid: string, input: CreateDoctor): Promise<OwnDoctorProfile> {
  await claimRole(tx, uid, "DOCTOR")
  const clinic =
    input.clinicId === undefined ? await foundClinic(tx, input) : await joinClinic(tx, input.clinicId, input.clinicVerificationCode ?? "")
  const doctor = doctorFields(input, clinic)
  await insertDoctor(tx, uid, doctor, clinic)
  await announce(
    tx,
    { name: "doctor:new", data: { doctorId: doctor.id, city: clinic.city }, about: { city: clinic.city } },
    { name: "doctor:changed", data: { doctorId: doctor.id, version: 1 }, about: { doctorId: doctor.id } },
  )
  return one([await findDoctorOf(tx, uid)].filter((d) => d !== undefined))
}

function doctorFields(input: CreateDoctor, clinic: Clinic): DoctorFields {
  return {
    id: Bun.randomUUIDv7(),
    name: input.name,
    specialization: input.specialization,
    consultationFee: input.consultationFee,
    currency: input.currency ?? DEFAULT_CURRENCY,
    services: input.services ?? [],
    workingHours: input.workingHours,
    slotMinutes: input.slotMinutes ?? DEFAULT_SLOT_MINUTES,
    timezone: input.timezone ?? zoneOf(clinic.clinicLatitude, clinic.clinicLongitude),
    bio: input.bio ?? null,
    active: true,
  }
}

async function foundClinic(tx: Db, input: CreateDoctor): Promise<Clinic> {
  const { clinicName, clinicAddress, city, clinicLatitude, clinicLongitude } = input as Required<CreateDoctor>
  const clinic: Clinic = {
    id: Bun.randomUUIDv7(),
    clinicName,
    clinicAddress,
    city,
    clinicLatitude,
    clinicLongitude,
    clinicTimezone: zoneOf(clinicLatitude, clinicLongitude),
    clinicVerificationCode: verificationCode(),
  }
  await insertClinic(tx, clinic)
  return clinic
}

async function joinClinic(tx: Db, clinicId: string, code: string): Promise<Clinic> {
  const clinic = await lockClinicToJoin(tx, clinicId)
  if (!clinic || !sameCode(code, clinic.clinicVerificationCode)) throw new WrongCode("clinicVerificationCode")
  return clinic
}
