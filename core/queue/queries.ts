import { type Db, maybeOne, one } from "../db.ts"
import type { MarkState } from "../marked-rows.ts"
import { changesSince } from "../patients/queries.ts"
import type { Estimated } from "./estimate.ts"
import type { Ordered } from "./order.ts"

/** Recent: so many visits back. */
const RECENT_VISITS = 20
/** Fewer tell too little. */
const VISITS_MIN = 3
/** What was shorter was clicked by mistake; what was longer was never ended. */
const VISIT_MIN_SECONDS = 60
const VISIT_MAX_SECONDS = 4 * 60 * 60

export type LockedQueue = { clinicId: string; timezone: string; now: Date }

/** Locks the clinic's queue until the transaction ends; `now` is then. */
export async function lockQueue(tx: Db, clinicId: string): Promise<LockedQueue> {
  return one(
    await tx<LockedQueue[]>`
    insert into clinic_queues as q (clinic_id) values (${clinicId})
    on conflict on constraint clinic_queues_pkey do update set updated_at = q.updated_at
    returning clinic_id as "clinicId", (select timezone from clinics where id = clinic_id) as timezone, clock_timestamp() as now`,
  )
}

/**
 * The visit's id and a mark that changes with everything of it: every change of a visit that is in a queue writes its entry too, in one
 * transaction, so the transaction that wrote the entry last tells. To look into each appointment took half of a reading.
 */
const marked = (db: Db) => db`e.appointment_id || ' ' || e.xmin`

export type QueueState = MarkState & {
  /** When the queue last changed. */
  updatedAt: Date
  now: Date
  /** How long visits of each doctor of the clinic take. */
  paces: Record<string, Pick<Estimated, "slotMinutes" | "typicalMs">>
}

/** The clinic's queue by its marks. `since`: the horizon of an earlier reading, or null. */
export async function findQueueState(db: Db, clinicId: string, since: string | null, changedMax: number): Promise<QueueState | undefined> {
  return maybeOne(
    await db<QueueState[]>`
    select coalesce(q.updated_at, c.created_at) as "updatedAt", statement_timestamp() as now, ${changesSince(db, since, changedMax)},
      (select coalesce(json_object_agg(d.id, json_build_object('slotMinutes', d.slot_minutes,
          'typicalMs', (select pace.typical_ms from doctor_paces pace where pace.doctor_id = d.id))), '{}')
        from doctors d where d.clinic_id = c.id) as paces,
      coalesce((
        select string_agg(${marked(db)}, ',') from queue_entries e where e.clinic_id = c.id and e.lapses_at > statement_timestamp()), '') as marks
    from clinics c left join clinic_queues q on q.clinic_id = c.id where c.id = ${clinicId}`,
  )
}

export type EntryRow = Omit<Ordered, "appointmentId"> & {
  id: string
  marked: string
  /** Whether the visit is still one that waits or runs. */
  isPresent: boolean
  patientId: string
  patientName: string
  doctorId: string
  scheduledAt: Date
  checkedInAt: Date
  startedAt: Date | null
}

/** The entries of these appointments. Asked as JSON for the sake of the plan: listAppointmentsById (core/appointments). */
export async function listEntries(db: Db, ids: string[]): Promise<EntryRow[]> {
  return await db<EntryRow[]>`
    select a.id, ${marked(db)} as marked, ${isPresent(db)} as "isPresent", a.patient_id as "patientId", p.name as "patientName",
      e.doctor_id as "doctorId", a.scheduled_at as "scheduledAt", e.checked_in_at as "checkedInAt", e.priority, e.place,
      ${startedAt(db)} as "startedAt"
    from json_array_elements_text(${JSON.stringify(ids)}::text::json) asked
    cross join lateral (select e.*, e.xmin from queue_entries e where e.appointment_id = asked.value::uuid offset 0) e
    cross join lateral (select * from appointments where id = e.appointment_id offset 0) a
    cross join lateral (select name from patients where id = a.patient_id offset 0) p`
}

const isPresent = (db: Db) => db`a.status in ('WAITING', 'IN_PROGRESS')`
const startedAt = (db: Db) => db`case a.status when 'IN_PROGRESS' then coalesce(e.started_at, a.updated_at) end`

export type QueueRow = Estimated &
  Ordered & {
    clinicId: string
    patientId: string
    patientName: string
    /** Whether the patient has an account, and so can hear. */
    hears: boolean
    scheduledAt: Date
    checkedInAt: Date
    toldPosition: number | null
    toldStart: Date | null
  }

const present = (db: Db, now: Date) => db`
  select e.appointment_id as "appointmentId", d.clinic_id as "clinicId", a.patient_id as "patientId", p.name as "patientName", p.uid is not null as hears,
    e.doctor_id as "doctorId", a.scheduled_at as "scheduledAt", e.checked_in_at as "checkedInAt", e.priority, e.place,
    ${startedAt(db)} as "startedAt",
    d.slot_minutes as "slotMinutes", pace.typical_ms as "typicalMs", e.told_position as "toldPosition", e.told_start as "toldStart"
  from doctors d
  left join doctor_paces pace on pace.doctor_id = d.id
  join queue_entries e on e.doctor_id = d.id and e.lapses_at > ${now}
  join appointments a on a.id = e.appointment_id and ${isPresent(db)}
  join patients p on p.id = a.patient_id`

/** Who is at the clinic, in the order in which each doctor's are called. */
export async function listQueue(db: Db, clinicId: string, now: Date): Promise<QueueRow[]> {
  return await db<QueueRow[]>`${present(db, now)} where d.clinic_id = ${clinicId} order by e.priority desc, e.place`
}

/** As {@link listQueue}, of one doctor. */
export async function listQueueOfDoctor(db: Db, doctorId: string, now: Date): Promise<QueueRow[]> {
  return await db<QueueRow[]>`${present(db, now)} where d.id = ${doctorId} order by e.priority desc, e.place`
}

/** As {@link listQueue}, of several clinics. */
export async function listQueues(db: Db, clinicIds: readonly string[], now: Date): Promise<QueueRow[]> {
  return await db<QueueRow[]>`${present(db, now)} where d.clinic_id = any(${[...clinicIds]}::uuid[]) order by e.priority desc, e.place`
}

/** The appointment that is first in the doctor's waiting list. */
export async function findFirstWaiting(db: Db, doctorId: string, now: Date): Promise<string | undefined> {
  const row = maybeOne(
    await db<{ id: string }[]>`
    select a.id from queue_entries e join appointments a on a.id = e.appointment_id and a.status = 'WAITING'
    where e.doctor_id = ${doctorId} and e.lapses_at > ${now} order by e.priority desc, e.place limit 1`,
  )
  return row?.id
}

export type QueueCounts = { waiting: number; inProgress: number }

/** Marks the queue as changed and counts who is in it. */
export async function touchQueue(tx: Db, { clinicId, now }: LockedQueue): Promise<QueueCounts> {
  return one(
    await tx<QueueCounts[]>`
    with present as (
      select a.status from queue_entries e join appointments a on a.id = e.appointment_id
      where e.clinic_id = ${clinicId} and e.lapses_at > ${now})
    update clinic_queues set updated_at = ${now} where clinic_id = ${clinicId}
    returning (select count(*) from present where status = 'WAITING') as waiting,
      (select count(*) from present where status = 'IN_PROGRESS') as "inProgress"`,
  )
}

export type NewEntry = {
  appointmentId: string
  clinicId: string
  doctorId: string
  checkedInAt: Date
  startedAt: Date | null
  lapsesAt: Date
}

/** Puts a patient in the queue, behind everybody of the same priority. */
export async function insertEntry(tx: Db, e: NewEntry): Promise<void> {
  await tx`
    insert into queue_entries (appointment_id, clinic_id, doctor_id, checked_in_at, started_at, lapses_at)
    values (${e.appointmentId}, ${e.clinicId}, ${e.doctorId}, ${e.checkedInAt}, ${e.startedAt}, ${e.lapsesAt})`
}

/** False when the patient is not in the queue. */
export async function updateEntryStarted(tx: Db, appointmentId: string, startedAt: Date, lapsesAt: Date): Promise<boolean> {
  const rows = await tx`
    update queue_entries set started_at = ${startedAt}, lapses_at = greatest(lapses_at, ${lapsesAt})
    where appointment_id = ${appointmentId} returning appointment_id`
  return rows.length > 0
}

/** Takes the patient out of the queue. */
export async function deleteEntry(tx: Db, appointmentId: string): Promise<void> {
  await tx`delete from queue_entries where appointment_id = ${appointmentId}`
}

/** Takes the patient out of the queue and keeps how long the visit took. */
export async function finishEntry(tx: Db, appointmentId: string, endedAt: Date): Promise<void> {
  await tx`
    with gone as (delete from queue_entries where appointment_id = ${appointmentId} returning appointment_id, doctor_id, started_at)
    insert into visits (appointment_id, doctor_id, started_at, ended_at)
    select appointment_id, doctor_id, started_at, ${endedAt} from gone
    where ${endedAt} - started_at between make_interval(secs => ${VISIT_MIN_SECONDS}) and make_interval(secs => ${VISIT_MAX_SECONDS})`
}

/** Keeps the median of the doctor's recent visits, once there are enough of them. */
export async function updatePace(tx: Db, doctorId: string): Promise<void> {
  await tx`
    insert into doctor_paces (doctor_id, typical_ms)
    select ${doctorId}, percentile_cont(0.5) within group (order by date_part('epoch', v.ended_at - v.started_at) * 1000)
    from (select started_at, ended_at from visits where doctor_id = ${doctorId} order by ended_at desc limit ${RECENT_VISITS}) v
    having count(*) >= ${VISITS_MIN}
    on conflict on constraint doctor_paces_pkey do update set typical_ms = excluded.typical_ms`
}

/** Writes the new order. */
export async function updateOrder(tx: Db, entries: readonly Ordered[]): Promise<void> {
  const rows = entries.map(({ appointmentId, priority, place }) => ({ id: appointmentId, priority, place }))
  await tx`
    update queue_entries e set priority = x.priority, place = x.place
    from jsonb_to_recordset(${tx.json(rows)}) as x (id uuid, priority smallint, place bigint)
    where e.appointment_id = x.id`
}

export type Told = { appointmentId: string; position: number; estimatedStart: Date }

/** Remembers what the patients are told in this transaction. */
export async function updateTold(tx: Db, told: readonly Told[]): Promise<void> {
  const rows = told.map(({ appointmentId, position, estimatedStart }) => ({
    id: appointmentId,
    position,
    start: estimatedStart.toISOString(),
  }))
  await tx`
    update queue_entries e set told_position = x.position, told_start = x.start
    from jsonb_to_recordset(${tx.json(rows)}) as x (id uuid, position integer, start timestamptz)
    where e.appointment_id = x.id`
}

/** Clinics where somebody waits who was told when their turn is expected, in the order of their ids, and the time. */
export async function listToldClinics(db: Db, after: string, limit: number): Promise<{ clinicId: string; now: Date }[]> {
  return await db<{ clinicId: string; now: Date }[]>`
    select distinct clinic_id as "clinicId", statement_timestamp() as now from queue_entries
    where clinic_id > ${after} and told_start is not null and started_at is null and lapses_at > statement_timestamp()
    order by clinic_id limit ${limit}`
}

/** Clinics in whose queues somebody's day is over. */
export async function listLapsedClinics(db: Db, limit: number): Promise<string[]> {
  const rows = await db<{ clinicId: string }[]>`
    select distinct clinic_id as "clinicId" from queue_entries where lapses_at <= clock_timestamp() limit ${limit}`
  return rows.map((row) => row.clinicId)
}

/** Takes out those whose day is over. Returns the doctors whose lists have changed. */
export async function deleteLapsed(tx: Db, { clinicId, now }: LockedQueue): Promise<string[]> {
  const rows = await tx<{ doctorId: string }[]>`
    delete from queue_entries where clinic_id = ${clinicId} and lapses_at <= ${now} returning doctor_id as "doctorId"`
  return [...new Set(rows.map((row) => row.doctorId))]
}
