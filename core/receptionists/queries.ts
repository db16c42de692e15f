import type { ReceptionistStatus } from "../auth/principal.ts"
import { type Db, maybeOne, one } from "../db.ts"
import type { MarkState } from "../marked-rows.ts"
import { TOTAL_MAX } from "../pages.ts"
import { changesSince } from "../patients/queries.ts"
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

export async function findTimezone(db: Db, clinicId: string): Promise<string | undefined> {
  return maybeOne(await db<{ timezone: string }[]>`select timezone from clinics where id = ${clinicId}`)?.timezone
}

/** A doctor's day has at most 288 slots; cancelled ones come on top. */
const DOCTOR_DAY_MAX = 2_000

/** `since`: the horizon of an earlier reading, or null. */
export type AskedDay = { from: Date; to: Date; since: string | null; changedMax: number }

/**
 * The clinic's appointments that begin in [from, to), each with a mark that changes with every change of it or its doctor: versions only
 * grow, so their sum does.
 */
export async function findDayState(
  db: Db,
  clinicId: string,
  { from, to, since, changedMax }: AskedDay,
): Promise<(MarkState & { timezone: string }) | undefined> {
  return maybeOne(
    await db<(MarkState & { timezone: string })[]>`
    select c.timezone, ${changesSince(db, since, changedMax)},
      coalesce((
        select string_agg(a.id || ' ' || (a.version + d.version), ',')
        from doctors d
        cross join lateral (
          -- By the doctor's index: a day is few rows, whatever the table has.
          select a.id, a.version from appointments a
          where a.doctor_id = d.id and a.scheduled_at >= ${from} and a.scheduled_at < ${to}
          order by a.scheduled_at, a.id limit ${DOCTOR_DAY_MAX}) a
        where d.clinic_id = c.id), '') as marks
    from clinics c where c.id = ${clinicId}`,
  )
}
