import type { ReceptionistStatus } from "../auth/principal.ts"
import { type Db, maybeOne, one } from "../db.ts"
import { TOTAL_MAX } from "../pages.ts"
import { instant } from "../time.ts"
import type { ReceptionistListing, ReceptionistProfile } from "./schema.ts"

type Row = Omit<ReceptionistListing, "createdAt"> & { createdAt: Date }

const columns = (db: Db) => db`id, clinic_id as "clinicId", name, status, created_at as "createdAt"`

const listed = (row: Row): ReceptionistListing => ({ ...row, createdAt: instant(row.createdAt) })

export async function findReceptionistOf(db: Db, uid: string): Promise<ReceptionistProfile | undefined> {
  return maybeOne(await db<ReceptionistProfile[]>`select id, clinic_id as "clinicId", name, status from receptionists where uid = ${uid}`)
}

export async function findReceptionistListing(db: Db, uid: string): Promise<ReceptionistListing | undefined> {
  const row = maybeOne(await db<Row[]>`select ${columns(db)} from receptionists where uid = ${uid}`)
  return row && listed(row)
}

export async function findVerificationCode(db: Db, clinicId: string): Promise<string | undefined> {
  return maybeOne(await db<{ code: string }[]>`select verification_code as code from clinics where id = ${clinicId}`)?.code
}

export type NewReceptionist = { uid: string; clinicId: string; name: string | null; status: ReceptionistStatus }

export async function insertReceptionist(db: Db, r: NewReceptionist): Promise<ReceptionistListing> {
  const rows = await db<Row[]>`
    insert into receptionists (id, uid, clinic_id, name, status)
    values (${Bun.randomUUIDv7()}, ${r.uid}, ${r.clinicId}, ${r.name}, ${r.status})
    returning ${columns(db)}`
  return listed(one(rows))
}

/** Those of the clinic in these states, the oldest first. */
export async function listReceptionists(
  db: Db,
  clinicId: string,
  statuses: readonly ReceptionistStatus[],
  limit: number,
  offset: number,
): Promise<ReceptionistListing[]> {
  const rows = await db<Row[]>`
    select ${columns(db)} from receptionists
    where clinic_id = ${clinicId} and status = any(${[...statuses]}::text[])
    order by created_at, id limit ${limit} offset ${offset}`
  return rows.map(listed)
}

/** How many {@link listReceptionists} has, counted to one beyond TOTAL_MAX. */
export async function countReceptionists(db: Db, clinicId: string, statuses: readonly ReceptionistStatus[]): Promise<number> {
  const { hits } = one(
    await db<{ hits: number }[]>`
    select count(*) as hits from (
      select from receptionists where clinic_id = ${clinicId} and status = any(${[...statuses]}::text[]) limit ${TOTAL_MAX + 1}) counted`,
  )
  return hits
}

/** The clinic's receptionist, locked until the transaction ends. */
export async function lockReceptionist(
  tx: Db,
  id: string,
  clinicId: string,
): Promise<{ uid: string | null; status: ReceptionistStatus } | undefined> {
  return maybeOne(
    await tx<{ uid: string | null; status: ReceptionistStatus }[]>`
    select uid, status from receptionists where id = ${id} and clinic_id = ${clinicId} for no key update`,
  )
}

export async function updateReceptionistStatus(db: Db, id: string, status: ReceptionistStatus): Promise<ReceptionistListing> {
  const rows = await db<Row[]>`update receptionists set status = ${status}, updated_at = now() where id = ${id} returning ${columns(db)}`
  return listed(one(rows))
}

export async function findClinicZone(db: Db, clinicId: string): Promise<string | undefined> {
  return maybeOne(await db<{ timezone: string }[]>`select timezone from clinics where id = ${clinicId}`)?.timezone
}

/** A doctor's day has at most 288 slots; cancelled ones come on top. */
export const DOCTOR_DAY_MAX = 2_000

/**
 * For each of the clinic's doctors with appointments that begin in [from, to), a mark that changes with every change of what is shown of
 * them: it is made of the rows' versions, which only grow.
 */
export async function listDayMarks(db: Db, clinicId: string, from: Date, to: Date): Promise<{ doctorId: string; mark: string }[]> {
  return await db<{ doctorId: string; mark: string }[]>`
    select d.id as "doctorId", m.mark
    from doctors d
    cross join lateral (
      select sum(hash_record_extended(row (a.id, a.version, a.status, a.scheduled_at, a.patient_version, d.version), 0))::text as mark
      from (
        -- By the doctor's index and the patients' keys: a day is few rows, whatever the tables have.
        select a.id, a.version, a.status, a.scheduled_at, (select p.version from patients p where p.id = a.patient_id) as patient_version
        from appointments a where a.doctor_id = d.id and a.scheduled_at >= ${from} and a.scheduled_at < ${to}
        order by a.scheduled_at, a.id limit ${DOCTOR_DAY_MAX}) a) m
    where d.clinic_id = ${clinicId} and m.mark is not null`
}
