import { type Db, maybeOne } from "../db.ts"
import type { NewEvent } from "../events/catalog.ts"
import { instant } from "../time.ts"
import type { Appointment, AppointmentStatus, AppointmentType } from "./schema.ts"

type Row = Omit<Appointment, "scheduledAt" | "endsAt" | "createdAt" | "updatedAt"> & {
  scheduledAt: Date
  endsAt: Date
  createdAt: Date
  updatedAt: Date
}

const columns = (db: Db) => db`
  a.id, a.doctor_id as "doctorId", d.name as "doctorName", a.patient_id as "patientId", p.name as "patientName",
  a.clinic_id as "clinicId", a.scheduled_at as "scheduledAt", a.ends_at as "endsAt", a.status, a.type, a.reason, a.version,
  a.created_at as "createdAt", a.updated_at as "updatedAt"`

const appointment = (row: Row): Appointment => ({
  ...row,
  scheduledAt: instant(row.scheduledAt),
  endsAt: instant(row.endsAt),
  createdAt: instant(row.createdAt),
  updatedAt: instant(row.updatedAt),
})

/** Inserts the event with what the CTE `changed` returned: no change, no event. Only then is the subject's row locked. */
const announced = (db: Db, event: NewEvent) => db`
  insert into events (id, name, subject, rooms, data)
  select ${event.id}::uuid, ${event.name}::text, ${event.subject}::text, ${event.rooms}::text[], ${db.json(event.data)}::jsonb from changed`

/** Rivals for a doctor's time queue here instead of deadlocking in the exclusion constraint. */
const turn = (db: Db, doctorId: string) => db`
  turn as materialized (select pg_advisory_xact_lock(hashtextextended(${doctorId}, 0)))`

export type NewAppointment = {
  id: string
  doctorId: string
  /** The versions that the slot and the event were made from. */
  doctorVersion: number
  patientId: string
  patientVersion: number
  start: Date
  end: Date
  type: AppointmentType
  reason: string | null
}

/**
 * Books and announces in one round trip. Undefined when the doctor or the patient has changed since the slot was looked
 * at, or takes no bookings: look again. Throws `appointments_no_overlap` when the time is taken.
 */
export async function insertAppointment(db: Db, a: NewAppointment, event: NewEvent): Promise<Appointment | undefined> {
  const row = maybeOne(
    await db<Row[]>`
    with ${turn(db, a.doctorId)},
    changed as (
      insert into appointments (id, doctor_id, patient_id, clinic_id, during, type, reason)
      select ${a.id}, d.id, p.id, d.clinic_id, tstzrange(${a.start}, ${a.end}), ${a.type}, ${a.reason}
      from turn, doctors d, patients p
      where d.id = ${a.doctorId} and d.version = ${a.doctorVersion} and d.active and p.id = ${a.patientId} and p.version = ${a.patientVersion}
      returning *),
    announced as (${announced(db, event)})
    select ${columns(db)} from changed a join doctors d on d.id = a.doctor_id join patients p on p.id = a.patient_id`,
  )
  return row && appointment(row)
}

/** Moves the status and announces it. Undefined when the version is no longer the row's. */
export async function updateStatus(
  db: Db,
  id: string,
  version: number,
  status: AppointmentStatus,
  event: NewEvent,
): Promise<Appointment | undefined> {
  const row = maybeOne(
    await db<Row[]>`
    with changed as (
      update appointments set status = ${status}, version = version + 1, updated_at = clock_timestamp()
      where id = ${id} and version = ${version}
      returning *),
    announced as (${announced(db, event)})
    select ${columns(db)} from changed a join doctors d on d.id = a.doctor_id join patients p on p.id = a.patient_id`,
  )
  return row && appointment(row)
}

export type NewTime = { id: string; version: number; doctorId: string; doctorVersion: number; start: Date; end: Date }

/** Moves the appointment to another slot, back to PENDING, and announces it. As {@link insertAppointment} otherwise. */
export async function updateTime(db: Db, a: NewTime, event: NewEvent): Promise<Appointment | undefined> {
  const row = maybeOne(
    await db<Row[]>`
    with ${turn(db, a.doctorId)},
    changed as (
      update appointments x
      set during = tstzrange(${a.start}, ${a.end}), status = 'PENDING', version = x.version + 1, updated_at = clock_timestamp()
      from turn, doctors d
      where x.id = ${a.id} and x.version = ${a.version} and d.id = x.doctor_id and d.version = ${a.doctorVersion} and d.active
      returning x.*),
    announced as (${announced(db, event)})
    select ${columns(db)} from changed a join doctors d on d.id = a.doctor_id join patients p on p.id = a.patient_id`,
  )
  return row && appointment(row)
}

export async function findAppointment(db: Db, id: string): Promise<Appointment | undefined> {
  const row = maybeOne(
    await db<Row[]>`
    select ${columns(db)} from appointments a join doctors d on d.id = a.doctor_id join patients p on p.id = a.patient_id
    where a.id = ${id}`,
  )
  return row && appointment(row)
}

/** Whose appointments: each of these has an index of its own that is already in the list's order. */
export type Scope = { patientId: string } | { doctorId: string } | { clinicId: string }

export type Page = { status?: AppointmentStatus; from?: Date; to?: Date; after?: { scheduledAt: Date; id: string }; limit: number }

/** By `scheduledAt`, then id; `from` is included, `to` is not. */
export async function listAppointments(db: Db, scope: Scope, page: Page): Promise<Appointment[]> {
  const own =
    "patientId" in scope
      ? db`a.patient_id = ${scope.patientId}`
      : "doctorId" in scope
        ? db`a.doctor_id = ${scope.doctorId}`
        : db`a.clinic_id = ${scope.clinicId}`
  const after = page.after ? db`and (a.scheduled_at, a.id) > (${page.after.scheduledAt}, ${page.after.id}::uuid)` : db``
  const rows = await db<Row[]>`
    select ${columns(db)} from appointments a join doctors d on d.id = a.doctor_id join patients p on p.id = a.patient_id
    where ${own} ${after}
      and a.scheduled_at >= coalesce(${page.from ?? null}::timestamptz, '-infinity') and a.scheduled_at < coalesce(${page.to ?? null}::timestamptz, 'infinity')
      and (${page.status ?? null}::text is null or a.status = ${page.status ?? null})
    order by a.scheduled_at, a.id limit ${page.limit}`
  return rows.map(appointment)
}
