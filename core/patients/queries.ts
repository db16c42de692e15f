import { type Db, maybeOne, one } from "../db.ts"
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
      latitude = ${p.latitude}, longitude = ${p.longitude}, version = version + 1, updated_at = now()
    where id = ${id}
    returning ${columns(db)}`
  return profile(one(rows))
}

export type PatientName = { id: string; name: string; version: number }

/** What a booking needs to know of its patient. */
export async function findPatientName(db: Db, id: string): Promise<PatientName | undefined> {
  return maybeOne(await db<PatientName[]>`select id, name, version from patients where id = ${id}`)
}
