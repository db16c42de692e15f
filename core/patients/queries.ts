import { type Db, maybeOne, one } from "../db.ts"
import { TOTAL_MAX } from "../pages.ts"
import { caseKey, fold } from "../text.ts"
import { instant } from "../time.ts"
import type { PatientProfile } from "./schema.ts"

type Row = Omit<PatientProfile, "createdAt" | "updatedAt"> & { createdAt: Date; updatedAt: Date }

export type PatientFields = Pick<PatientProfile, "name" | "phone" | "city" | "latitude" | "longitude">

const columns = (db: Db) => db`id, name, phone, city, latitude, longitude, created_at as "createdAt", updated_at as "updatedAt"`

const profile = (row: Row): PatientProfile => ({ ...row, createdAt: instant(row.createdAt), updatedAt: instant(row.updatedAt) })

export async function insertPatient(db: Db, uid: string, p: PatientFields): Promise<PatientProfile> {
  const rows = await db<Row[]>`
    insert into patients (id, uid, name, name_fold, phone, city, city_key, latitude, longitude)
    values (${Bun.randomUUIDv7()}, ${uid}, ${p.name}, ${fold(p.name)}, ${p.phone}, ${p.city}, ${p.city && caseKey(p.city)}, ${p.latitude}, ${p.longitude})
    returning ${columns(db)}`
  return profile(one(rows))
}

/** A patient without an account, of the desk that made them. */
export async function insertWalkIn(db: Db, clinicId: string, name: string, phone: string | null): Promise<PatientProfile> {
  const rows = await db<Row[]>`
    insert into patients (id, clinic_id, name, name_fold, phone)
    values (${Bun.randomUUIDv7()}, ${clinicId}, ${name}, ${fold(name)}, ${phone})
    returning ${columns(db)}`
  return profile(one(rows))
}

/** LIKE patterns for the folded name and the digits of the number. */
export type PatientPatterns = { name?: string; phone?: string }

/** Who was made at the clinic's desk or has an appointment with one of its doctors, and fits the patterns. */
const known = (db: Db, clinicId: string, { name, phone }: PatientPatterns) => db`
  ${name === undefined ? db`true` : db`p.name_fold like ${name}`}
  and ${phone === undefined ? db`true` : db`p.phone_digits like ${phone}`}
  and (p.clinic_id = ${clinicId} or exists (
    select from appointments a join doctors d on d.id = a.doctor_id where a.patient_id = p.id and d.clinic_id = ${clinicId}))`

/** By name, then id. */
export async function listPatientsOfClinic(
  db: Db,
  clinicId: string,
  patterns: PatientPatterns,
  limit: number,
  offset: number,
): Promise<PatientProfile[]> {
  const rows = await db<Row[]>`
    select ${columns(db)} from patients p where ${known(db, clinicId, patterns)} order by p.name_fold collate "C", p.id limit ${limit} offset ${offset}`
  return rows.map(profile)
}

/** How many {@link listPatientsOfClinic} has, counted to one beyond TOTAL_MAX. */
export async function countPatientsOfClinic(db: Db, clinicId: string, patterns: PatientPatterns): Promise<number> {
  const { hits } = one(
    await db<{ hits: number }[]>`
    select count(*) as hits from (select from patients p where ${known(db, clinicId, patterns)} limit ${TOTAL_MAX + 1}) counted`,
  )
  return hits
}

export async function findPatientOf(db: Db, uid: string): Promise<PatientProfile | undefined> {
  const row = maybeOne(await db<Row[]>`select ${columns(db)} from patients where uid = ${uid}`)
  return row && profile(row)
}

/** The person's own row, locked until the transaction ends. */
export async function lockPatientOf(tx: Db, uid: string): Promise<PatientProfile | undefined> {
  const row = maybeOne(await tx<Row[]>`select ${columns(tx)} from patients where uid = ${uid} for no key update`)
  return row && profile(row)
}

export async function updatePatient(db: Db, id: string, p: PatientFields): Promise<PatientProfile> {
  const rows = await db<Row[]>`
    update patients
    set name = ${p.name}, name_fold = ${fold(p.name)}, phone = ${p.phone}, city = ${p.city}, city_key = ${p.city && caseKey(p.city)},
      latitude = ${p.latitude}, longitude = ${p.longitude}, version = version + 1, updated_at = now(),
      changed_in = pg_current_xact_id()
    where id = ${id}
    returning ${columns(db)}`
  return profile(one(rows))
}

/** `clinicId`: whose desk made them; null for those who have an account. */
export type PatientName = { id: string; name: string; version: number; clinicId: string | null }

/** What a booking needs to know of its patient. */
export async function findPatientName(db: Db, id: string): Promise<PatientName | undefined> {
  return maybeOne(await db<PatientName[]>`select id, name, version, clinic_id as "clinicId" from patients where id = ${id}`)
}

/**
 * Columns of a statement: `horizon`, the oldest transaction that it cannot see, and `changed`, patients who were changed in or after the
 * transaction `since`, up to `limit`.
 */
export const changesSince = (db: Db, since: string | null, limit: number) => db`
  pg_snapshot_xmin(pg_current_snapshot())::text as horizon,
  array(select p.id::text from patients p where p.changed_in >= ${since}::xid8 limit ${limit}) as changed`
