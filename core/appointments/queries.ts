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
  d.clinic_id as "clinicId", a.scheduled_at as "scheduledAt", a.ends_at as "endsAt", a.status, a.type, a.reason, a.version,
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
  /** As they were, by their versions, when the slot and the event were made. */
  doctor: { doctorId: string; clinicId: string; name: string; version: number }
  patient: { id: string; name: string; version: number }
  start: Date
  end: Date
  type: AppointmentType
  reason: string | null
  event: NewEvent
}

/** What became of one: booked; taken by another; or stale, because the doctor or the patient is no longer as given or takes no bookings. */
export type BookingOutcome = Appointment | "taken" | "stale"

type BookedRow = { current: boolean; status: AppointmentStatus | null; version: number; createdAt: Date; updatedAt: Date }

/**
 * Books as many as can be and announces each that is, in one round trip and one commit. Those who ask for a doctor's time queue
 * on the doctor's lock instead of deadlocking in the exclusion constraint, which decides; the locks are taken in one order, so that
 * two such statements cannot deadlock either. Outcomes come in the order asked for.
 */
export async function insertAppointments(db: Db, asked: NewAppointment[], lockTimeoutMs: number): Promise<BookingOutcome[]> {
  const rows = await db<BookedRow[]>`
    with asked as materialized (
      select * from jsonb_to_recordset(${db.json(asked.map(askedRow))}) as r (n int, id uuid, doctor_id uuid, doctor_version int, patient_id uuid,
        patient_version int, starts timestamptz, ends timestamptz, type text, reason text, event_id uuid, name text, subject text, rooms text[], data jsonb)),
    bounded as materialized (select set_config('lock_timeout', ${lockTimeoutMs}::text, true)),
    turn as materialized (
      select pg_advisory_xact_lock(key) from bounded, (select distinct hashtextextended(doctor_id::text, 0) as key from asked order by key) keys),
    ready as materialized (
      select a.*
      from (select count(*) from turn) locked, asked a
      cross join lateral (select from doctors where id = a.doctor_id and version = a.doctor_version and active offset 0) d
      cross join lateral (select from patients where id = a.patient_id and version = a.patient_version offset 0) p
      order by a.n),
    booked as (
      insert into appointments (id, doctor_id, patient_id, during, type, reason)
      select id, doctor_id, patient_id, tstzrange(starts, ends), type, reason from ready
      on conflict on constraint appointments_no_overlap do nothing
      returning id, status, version, created_at, updated_at),
    announced as (
      insert into events (id, name, subject, rooms, data)
      select ready.event_id, ready.name, ready.subject, ready.rooms, ready.data from ready join booked using (id) order by ready.n)
    select ready.id is not null as current, booked.status, booked.version, booked.created_at as "createdAt", booked.updated_at as "updatedAt"
    from asked left join ready using (id) left join booked using (id) order by asked.n`
  return rows.map((row, n) => outcome(row, asked[n] as NewAppointment))
}

function askedRow({ id, doctor, patient, start, end, type, reason, event }: NewAppointment, n: number) {
  const { id: event_id, name, subject, rooms, data } = event
  const versions = { doctor_version: doctor.version, patient_version: patient.version }
  const times = { starts: start.toISOString(), ends: end.toISOString() }
  return {
    n,
    id,
    doctor_id: doctor.doctorId,
    patient_id: patient.id,
    ...versions,
    ...times,
    type,
    reason,
    event_id,
    name,
    subject,
    rooms,
    data,
  }
}

/** The versions held, so the names are the rows' and need not be joined. */
function outcome({ current, status, version, createdAt, updatedAt }: BookedRow, a: NewAppointment): BookingOutcome {
  if (!current) return "stale"
  if (status === null) return "taken"
  const { doctorId, clinicId } = a.doctor
  const parties = { doctorId, doctorName: a.doctor.name, patientId: a.patient.id, patientName: a.patient.name, clinicId }
  const booked = { status, version, createdAt, updatedAt }
  return appointment({ id: a.id, ...parties, scheduledAt: a.start, endsAt: a.end, type: a.type, reason: a.reason, ...booked })
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

/**
 * Moves the appointment to another slot, back to PENDING, and announces it. Undefined when it or the doctor is no longer as given.
 * Throws `appointments_no_overlap` when the time is taken.
 */
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

/** Whose appointments. */
export type Scope = { patientId: string } | { doctorId: string } | { clinicId: string }

export type Page = { status?: AppointmentStatus; from?: Date; to?: Date; after?: { scheduledAt: Date; id: string }; limit: number }

/** By `scheduledAt`, then id; `from` is included, `to` is not. A patient's and a doctor's have an index in this order. */
export async function listAppointments(db: Db, scope: Scope, page: Page): Promise<Appointment[]> {
  if ("clinicId" in scope) return await listClinicAppointments(db, scope.clinicId, page)
  const own = "patientId" in scope ? db`a.patient_id = ${scope.patientId}` : db`a.doctor_id = ${scope.doctorId}`
  const rows = await db<Row[]>`
    select ${columns(db)} from appointments a join doctors d on d.id = a.doctor_id join patients p on p.id = a.patient_id
    where ${own} ${within(db, page)}
    order by a.scheduled_at, a.id limit ${page.limit}`
  return rows.map(appointment)
}

/** Merged from the pages of the clinic's doctors: an index for the clinic alone would make every booking dearer. */
async function listClinicAppointments(db: Db, clinicId: string, page: Page): Promise<Appointment[]> {
  const rows = await db<Row[]>`
    select ${columns(db)}
    from doctors d
    cross join lateral (
      select * from appointments a where a.doctor_id = d.id ${within(db, page)} order by a.scheduled_at, a.id limit ${page.limit}) a
    join patients p on p.id = a.patient_id
    where d.clinic_id = ${clinicId}
    order by a.scheduled_at, a.id limit ${page.limit}`
  return rows.map(appointment)
}

/** What a page asks for. Left-out bounds are no conditions, so that the index's order is the plan. */
function within(db: Db, { status, from, to, after }: Page) {
  return db`
    ${after ? db`and (a.scheduled_at, a.id) > (${after.scheduledAt}, ${after.id}::uuid)` : db``}
    ${from ? db`and a.scheduled_at >= ${from}` : db``}
    ${to ? db`and a.scheduled_at < ${to}` : db``}
    ${status ? db`and a.status = ${status}` : db``}`
}
