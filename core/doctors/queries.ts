import { type Db, maybeOne, one } from "../db.ts"
import { caseKey, fold } from "../text.ts"
import type { WorkingHours } from "./schedule/working-hours.ts"
import type { DoctorProfile, OwnDoctorProfile } from "./schema.ts"
import { cellsOf } from "./search/cells.ts"

export type Clinic = {
  id: string
  clinicName: string
  clinicAddress: string
  city: string
  clinicLatitude: number
  clinicLongitude: number
  clinicTimezone: string
  clinicVerificationCode: string
}

const clinicColumns = (db: Db) => db`
  id, name as "clinicName", address as "clinicAddress", city, latitude as "clinicLatitude", longitude as "clinicLongitude",
  timezone as "clinicTimezone", verification_code as "clinicVerificationCode"`

export async function insertClinic(db: Db, c: Clinic): Promise<void> {
  await db`
    insert into clinics (id, name, address, city, city_key, latitude, longitude, timezone, verification_code)
    values (${c.id}, ${c.clinicName}, ${c.clinicAddress}, ${c.city}, ${caseKey(c.city)}, ${c.clinicLatitude}, ${c.clinicLongitude},
      ${c.clinicTimezone}, ${c.clinicVerificationCode})`
}

/** The clinic, shared-locked: its name and place stay until the transaction ends. */
export async function lockClinicToJoin(tx: Db, id: string): Promise<Clinic | undefined> {
  return maybeOne(await tx<Clinic[]>`select ${clinicColumns(tx)} from clinics where id = ${id} for share`)
}

/** The clinic, locked for a change of its name or place. */
export async function lockClinic(tx: Db, id: string): Promise<Clinic> {
  return one(await tx<Clinic[]>`select ${clinicColumns(tx)} from clinics where id = ${id} for no key update`)
}

export async function updateClinic(db: Db, c: Clinic): Promise<void> {
  await db`
    update clinics
    set name = ${c.clinicName}, address = ${c.clinicAddress}, city = ${c.city}, city_key = ${caseKey(c.city)},
      latitude = ${c.clinicLatitude}, longitude = ${c.clinicLongitude}, timezone = ${c.clinicTimezone}
    where id = ${c.id}`
}

/** The row of a doctor as a feature states it; what is derived from it (keys, folded names, cells) is derived here. */
export type DoctorFields = {
  id: string
  name: string
  specialization: string
  consultationFee: number
  currency: string
  services: string[]
  workingHours: WorkingHours
  slotMinutes: number
  timezone: string
  bio: string | null
  active: boolean
}

export async function insertDoctor(db: Db, uid: string, d: DoctorFields, c: Clinic): Promise<void> {
  const cells = cellsOf(c.clinicLatitude, c.clinicLongitude)
  await db`
    insert into doctors (id, uid, clinic_id, name, name_fold, specialization, specialization_key, consultation_fee, currency,
      clinic_name, clinic_name_fold, clinic_address, city, city_key, clinic_latitude, clinic_longitude, h3_r4, h3_r6, h3_r8,
      services, working_hours, slot_minutes, timezone, bio, active)
    values (${d.id}, ${uid}, ${c.id}, ${d.name}, ${fold(d.name)}, ${d.specialization}, ${caseKey(d.specialization)}, ${d.consultationFee},
      ${d.currency}, ${c.clinicName}, ${fold(c.clinicName)}, ${c.clinicAddress}, ${c.city}, ${caseKey(c.city)}, ${c.clinicLatitude},
      ${c.clinicLongitude}, ${cells.h3R4}, ${cells.h3R6}, ${cells.h3R8}, ${d.services}, ${db.json(d.workingHours)}, ${d.slotMinutes},
      ${d.timezone}, ${d.bio}, ${d.active})`
}

/** Writes the doctor's own fields. Returns the row's new version. */
export async function updateDoctor(db: Db, d: DoctorFields): Promise<number> {
  const { version } = one(
    await db<{ version: number }[]>`
    update doctors
    set name = ${d.name}, name_fold = ${fold(d.name)}, specialization = ${d.specialization}, specialization_key = ${caseKey(d.specialization)},
      consultation_fee = ${d.consultationFee}, currency = ${d.currency}, services = ${d.services}, working_hours = ${db.json(d.workingHours)},
      slot_minutes = ${d.slotMinutes}, timezone = ${d.timezone}, bio = ${d.bio}, active = ${d.active}, version = version + 1, updated_at = now()
    where id = ${d.id} returning version`,
  )
  return version
}

export type ColleagueRow = { id: string; timezone: string; version: number }

/** The doctors of a clinic, locked in one order, so that two changes of one clinic cannot deadlock. */
export async function lockDoctorsOfClinic(tx: Db, clinicId: string): Promise<ColleagueRow[]> {
  return await tx<ColleagueRow[]>`select id, timezone, version from doctors where clinic_id = ${clinicId} order by id for no key update`
}

/** Writes the clinic's fields into one of its doctors. Returns the row's new version. */
export async function updateDoctorClinic(db: Db, doctorId: string, timezone: string, c: Clinic): Promise<number> {
  const cells = cellsOf(c.clinicLatitude, c.clinicLongitude)
  const { version } = one(
    await db<{ version: number }[]>`
    update doctors
    set clinic_name = ${c.clinicName}, clinic_name_fold = ${fold(c.clinicName)}, clinic_address = ${c.clinicAddress}, city = ${c.city},
      city_key = ${caseKey(c.city)}, clinic_latitude = ${c.clinicLatitude}, clinic_longitude = ${c.clinicLongitude},
      h3_r4 = ${cells.h3R4}, h3_r6 = ${cells.h3R6}, h3_r8 = ${cells.h3R8}, timezone = ${timezone}, version = version + 1, updated_at = now()
    where id = ${doctorId} returning version`,
  )
  return version
}

const profileColumns = (db: Db) => db`
  d.id, d.name, d.specialization, d.consultation_fee as "consultationFee", d.currency, d.clinic_id as "clinicId",
  d.clinic_name as "clinicName", d.clinic_address as "clinicAddress", d.city, d.clinic_latitude as "clinicLatitude",
  d.clinic_longitude as "clinicLongitude", d.services, null as "distanceKm", d.bio, d.working_hours as "workingHours",
  d.slot_minutes as "slotMinutes", d.timezone`

export async function findDoctor(db: Db, id: string): Promise<DoctorProfile | undefined> {
  return maybeOne(await db<DoctorProfile[]>`select ${profileColumns(db)} from doctors d where d.id = ${id}`)
}

export async function findDoctorOf(db: Db, uid: string): Promise<OwnDoctorProfile | undefined> {
  return maybeOne(
    await db<OwnDoctorProfile[]>`
    select ${profileColumns(db)}, c.verification_code as "clinicVerificationCode", d.active
    from doctors d join clinics c on c.id = d.clinic_id where d.uid = ${uid}`,
  )
}

/** The caller's own row, locked until the transaction ends. */
export async function lockDoctorOf(tx: Db, uid: string): Promise<(DoctorProfile & { active: boolean }) | undefined> {
  return maybeOne(
    await tx<(DoctorProfile & { active: boolean })[]>`
    select ${profileColumns(tx)}, d.active from doctors d where d.uid = ${uid} for no key update`,
  )
}
