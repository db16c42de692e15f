import type { Scope } from "../auth/principal.ts"
import { type Db, maybeOne } from "../db.ts"
import type { NewEvent } from "../events/catalog.ts"
import { KEPT, type KeptAnswer, type Keyed } from "../idempotency/queries.ts"
import { instant } from "../time.ts"
import type { Appointment, AppointmentStatus } from "./schema.ts"

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

/** Adds the audit's entry with what the CTE `changed` returned. */
const audited = (db: Db, entry: string) => db`insert into audit_inbox (entry) select ${entry}::text::json from changed`

/** Rivals for a doctor's time queue here instead of deadlocking in the exclusion constraint. */
const turn = (db: Db, doctorId: string) => db`
  turn as materialized (select pg_advisory_xact_lock(hashtextextended(${doctorId}, 0)))`

export type NewAppointment = {
  /** As it will be when it is booked, and as it is answered. */
  appointment: Appointment
  /** The versions of the doctor and the patient that it was made from. */
  doctorVersion: number
  patientVersion: number
  event: NewEvent
  /** Of the audit. */
  entry: string
  /** Under which key it is asked for, if under any. */
  keyed?: Keyed
}

/**
 * What became of one: booked; taken by another; stale, because the doctor or the patient is no longer as given or takes no bookings;
 * in flight, because another call holds its key; or answered before under its key.
 */
export type BookingOutcome = "booked" | "taken" | "stale" | "in flight" | KeptAnswer

/** Of one that was not booked. */
type OutcomeRow = { n: number; held: boolean; kept: KeptAnswer | null; current: boolean }

/**
 * Books as many as can be, announces each that is and keeps its answer under its key, in one round trip and one commit. Those who
 * ask for a doctor's time queue on the doctor's lock instead of deadlocking in the exclusion constraint, which decides; the locks are
 * taken in one order, so that two such statements cannot deadlock either. Outcomes come in the order asked for. Throws
 * `idempotency_keys_pkey` when a key was used after the statement began, or long ago; and, unless a time `mayBeTaken`,
 * `appointments_no_overlap` when one is. To bear that, Postgres looks for rivals before each insertion as well as after it.
 */
export async function insertAppointments(
  db: Db,
  asked: NewAppointment[],
  lockTimeoutMs: number,
  mayBeTaken: boolean,
): Promise<BookingOutcome[]> {
  const rows = await db<OutcomeRow[]>`
    with asked as materialized (
      select * from json_to_recordset(${JSON.stringify(asked.map(askedRow))}::text::json) as r (n int, id uuid, doctor_id uuid, doctor_version int, patient_id uuid,
        patient_version int, starts timestamptz, ends timestamptz, type text, reason text, at timestamptz, event_id uuid, name text, subject text,
        rooms text[], data jsonb, entry text, caller text, route text, key text, body_digest text, answer text)),
    keys as materialized (
      select a.n, pg_try_advisory_xact_lock(idempotency_lock(a.caller, a.route, a.key)) as held,
        case when k.key is not null then jsonb_build_object('bodyDigest', k.body_digest, 'answer', k.answer) end as kept
      from asked a
      left join lateral (
        select * from idempotency_keys k
        where k.caller = a.caller and k.route = a.route and k.key = a.key and k.created_at > now() - ${KEPT}::interval offset 0) k on true
      where a.key is not null),
    bounded as materialized (select set_config('lock_timeout', ${lockTimeoutMs}::text, true)),
    turn as materialized (
      select pg_advisory_xact_lock(key) from bounded, (select distinct hashtextextended(doctor_id::text, 0) as key from asked order by key) keys),
    locked as materialized (select count(*) from turn),
    ready as materialized (
      select a.*
      from locked, asked a
      left join keys using (n)
      cross join lateral (select from doctors where id = a.doctor_id and version = a.doctor_version and active offset 0) d
      cross join lateral (select from patients where id = a.patient_id and version = a.patient_version offset 0) p
      where coalesce(keys.held and keys.kept is null, true)
      order by a.n),
    booked as (
      insert into appointments (id, doctor_id, patient_id, during, type, reason, created_at, updated_at)
      select id, doctor_id, patient_id, tstzrange(starts, ends), type, reason, at, at from ready
      ${mayBeTaken ? db`on conflict on constraint appointments_no_overlap do nothing` : db``}
      returning id),
    done as materialized (select ready.* from ready join booked using (id) order by ready.n),
    announced as (insert into events (id, name, subject, rooms, data) select event_id, name, subject, rooms, data from done),
    audited as (insert into audit_inbox (entry) select entry::json from done),
    answered as (
      insert into idempotency_keys (caller, route, key, body_digest, answer)
      select caller, route, key, body_digest, answer from done where key is not null)
    select n, coalesce(keys.held, true) as held, keys.kept, ready.id is not null as current
    from asked left join keys using (n) left join ready using (n) left join done using (n) where done.id is null`
  const outcomes = asked.map((): BookingOutcome => "booked")
  for (const { n, held, kept, current } of rows) outcomes[n] = kept ?? (!held ? "in flight" : !current ? "stale" : "taken")
  return outcomes
}

/** A row of `asked`; without a key, those of the key are null. */
function askedRow({ appointment: a, doctorVersion, patientVersion, event, entry, keyed }: NewAppointment, n: number) {
  return {
    n,
    id: a.id,
    doctor_id: a.doctorId,
    doctor_version: doctorVersion,
    patient_id: a.patientId,
    patient_version: patientVersion,
    starts: a.scheduledAt,
    ends: a.endsAt,
    type: a.type,
    reason: a.reason,
    at: a.createdAt,
    event_id: event.id,
    name: event.name,
    subject: event.subject,
    rooms: event.rooms,
    data: event.data,
    entry,
    caller: keyed?.caller,
    route: keyed?.route,
    key: keyed?.key,
    body_digest: keyed?.bodyDigest,
    answer: keyed && JSON.stringify(a),
  }
}

/** Moves the status and announces it. Undefined when the version is no longer the row's. */
export async function updateStatus(
  db: Db,
  id: string,
  version: number,
  status: AppointmentStatus,
  event: NewEvent,
  entry: string,
): Promise<Appointment | undefined> {
  const row = maybeOne(
    await db<Row[]>`
    with changed as (
      update appointments set status = ${status}, version = version + 1, updated_at = clock_timestamp()
      where id = ${id} and version = ${version}
      returning *),
    announced as (${announced(db, event)}),
    audited as (${audited(db, entry)})
    select ${columns(db)} from changed a join doctors d on d.id = a.doctor_id join patients p on p.id = a.patient_id`,
  )
  return row && appointment(row)
}

export type NewTime = { id: string; version: number; doctorId: string; doctorVersion: number; start: Date; end: Date }

/**
 * Moves the appointment to another slot, back to PENDING, and announces it and what it `left`. Undefined when it or the doctor is no longer as given.
 * Throws `appointments_no_overlap` when the time is taken.
 */
export async function updateTime(db: Db, a: NewTime, event: NewEvent, left: NewEvent, entry: string): Promise<Appointment | undefined> {
  const row = maybeOne(
    await db<Row[]>`
    with ${turn(db, a.doctorId)},
    changed as (
      update appointments x
      set during = tstzrange(${a.start}, ${a.end}), status = 'PENDING', version = x.version + 1, updated_at = clock_timestamp()
      from turn, doctors d
      where x.id = ${a.id} and x.version = ${a.version} and d.id = x.doctor_id and d.version = ${a.doctorVersion} and d.active
      returning x.*),
    announced as (${announced(db, event)}),
    left_behind as (${announced(db, left)}),
    audited as (${audited(db, entry)})
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

export type Page = { status?: AppointmentStatus; from?: Date; to?: Date; after?: { scheduledAt: Date; id: string }; limit: number }

/** By `scheduledAt`, then id; `from` is included, `to` is not. A patient's and a doctor's have an index in this order. */
export async function listAppointments(db: Db, scope: Scope, page: Page): Promise<Appointment[]> {
  if ("clinicId" in scope) return await listClinicAppointments(db, scope.clinicId, page)
  const rows = await db<Row[]>`
    select ${columns(db)} from appointments a join doctors d on d.id = a.doctor_id join patients p on p.id = a.patient_id
    where ${own(db, scope)} ${within(db, page)}
    order by a.scheduled_at, a.id limit ${page.limit}`
  return rows.map(appointment)
}

const own = (db: Db, scope: Exclude<Scope, { clinicId: string }>) =>
  "patientId" in scope ? db`a.patient_id = ${scope.patientId}` : db`a.doctor_id = ${scope.doctorId}`

/**
 * Those of these ids, in no order. Each is looked up; and the plan is made once: of an array of few, Postgres would take a plan of its
 * own to be cheaper, and make it anew each time, for longer than the look-ups take.
 */
export async function listAppointmentsById(db: Db, ids: readonly string[]): Promise<Appointment[]> {
  const rows = await db<Row[]>`
    select ${columns(db)}
    from json_array_elements_text(${JSON.stringify(ids)}::text::json) asked
    cross join lateral (select * from appointments where id = asked.value::uuid offset 0) a
    cross join lateral (select name, clinic_id from doctors where id = a.doctor_id offset 0) d
    cross join lateral (select name from patients where id = a.patient_id offset 0) p`
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
