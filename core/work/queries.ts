import { type Db, maybeOne, one } from "../db.ts"
import type { Touches } from "./touches.ts"

/** The session lock of the one worker that reads the event log, one in each database. */
const READER_LOCK = 7_283_645_002
/** A holder that freezes loses session and lock after this; an honest one shows itself every second. */
const HOLDER_IDLE_MS = 5_000

/** Takes the reader's lock and marks this session with `turn`: a lost session loses both. */
export async function tryReaderLock(session: Db, turn: string): Promise<boolean> {
  const { locked } = one(
    await session<{ locked: boolean }[]>`
      select case when pg_try_advisory_lock(${READER_LOCK})
        then set_config('pulsecal.reader', ${turn}, false) || set_config('idle_session_timeout', ${String(HOLDER_IDLE_MS)}, false) <> ''
        else false end as locked`,
  )
  return locked
}

/** Whether this session still is the one that took the lock for `turn`. */
export async function holdsReaderLock(session: Db, turn: string): Promise<boolean> {
  return one(await session<{ held: boolean }[]>`select coalesce(current_setting('pulsecal.reader', true) = ${turn}, false) as held`).held
}

export async function releaseReaderLock(session: Db): Promise<void> {
  await session`select pg_advisory_unlock_all(), set_config('pulsecal.reader', '', false), set_config('idle_session_timeout', '0', false)`
}

/** Undefined before the first worker has begun. */
export async function findCursor(db: Db): Promise<number | undefined> {
  return maybeOne(await db<{ offset: number }[]>`select "offset" from work_cursor`)?.offset
}

/** Begins at the log's head, with every doctor's rollups due. False when another worker has begun meanwhile. */
export async function insertCursor(tx: Db): Promise<boolean> {
  const begun = await tx`insert into work_cursor ("offset") select head from event_log on conflict do nothing returning 1`
  return begun.length === 1
}

/** Moves the cursor. False when it is no longer at `from`: another worker reads the log. */
export async function moveCursor(tx: Db, from: number, to: number): Promise<boolean> {
  const moved = await tx`update work_cursor set "offset" = ${to} where "offset" = ${from} returning 1`
  return moved.length === 1
}

/**
 * Writes down what the events made due. For a change that may make another visit a patient's first, also the visit next in time, as
 * the last such event finds it: of all that were the first at some moment, one or the other change is next to it.
 */
export async function insertRollupsDue(tx: Db, { appointments, paymentIds, doctorIds }: Touches): Promise<string[]> {
  const rows = await tx<{ doctorId: string }[]>`
    with touched as (
      select a.doctor_id, a.patient_id, t.at, t.reorders
      from jsonb_to_recordset(${tx.json(appointments)}) as t ("appointmentId" uuid, at timestamptz, reorders boolean)
      join appointments a on a.id = t."appointmentId"),
    next_in_time as (
      select t.doctor_id, n.scheduled_at as at
      from touched t
      cross join lateral (
        select a.scheduled_at from appointments a
        where a.patient_id = t.patient_id and a.doctor_id = t.doctor_id and a.scheduled_at > t.at and a.status <> 'REJECTED'
        order by a.scheduled_at limit 1) n
      where t.reorders),
    paid as (
      select p.doctor_id, moment.at
      from payments p cross join lateral (values (p.paid_at), (p.refunded_at)) as moment (at)
      where p.id = any (${paymentIds}::uuid[]) and moment.at is not null),
    due as (
      select doctor_id, at from touched union select doctor_id, at from next_in_time union select doctor_id, at from paid
      union select id, null from doctors where id = any (${doctorIds}::uuid[])),
    added as (insert into rollups_due (doctor_id, at) select doctor_id, at from due returning doctor_id)
    select distinct doctor_id as "doctorId" from added`
  return rows.map((row) => row.doctorId)
}

/** After a gap in the log nobody knows what changed: everything that anyone could look at is made anew. */
export async function insertEverythingDue(tx: Db): Promise<void> {
  await tx`
    insert into rollups_due (doctor_id, every_day)
    select id, true from doctors d
    where exists (select from appointments where doctor_id = d.id) or exists (select from payments where doctor_id = d.id)
      or exists (select from doctor_rollups where doctor_id = d.id)`
}

/** Doctors whose work has waited for `waitedMs` or more: their job was lost, or never came to be. Oldest first. */
export async function listWaitingDoctors(db: Db, waitedMs: number, limit: number): Promise<string[]> {
  const rows = await db<{ doctorId: string }[]>`
    select doctor_id as "doctorId"
    from (
      select doctor_id, id from rollups_due
      where not given_up and since < clock_timestamp() - ${waitedMs}::int * interval '1 ms' order by id limit ${limit}) oldest
    group by doctor_id order by min(id)`
  return rows.map((row) => row.doctorId)
}

/** The job has failed for the last time: what it was to do waits for a person, or for the doctor's next event. */
export async function giveUpRollups(db: Db, doctorId: string): Promise<void> {
  await db`update rollups_due set given_up = true where doctor_id = ${doctorId}`
}

/** Puts what was given up back to work. Returns of how many doctors. */
export async function resumeRollups(db: Db): Promise<number> {
  const rows = await db<{ doctorId: string }[]>`
    update rollups_due set given_up = false where given_up returning doctor_id as "doctorId"`
  return new Set(rows.map((row) => row.doctorId)).size
}

export async function countDue(db: Db): Promise<{ waiting: number; givenUp: number; oldestSeconds: number }> {
  return one(
    await db<{ waiting: number; givenUp: number; oldestSeconds: number }[]>`
    select count(*) as waiting, count(*) filter (where given_up) as "givenUp",
      coalesce(extract(epoch from clock_timestamp() - min(since)), 0)::float8 as "oldestSeconds"
    from rollups_due`,
  )
}

export type ScheduleRun = { name: string; startedAt: Date; finishedAt: Date | null; failures: number; lastError: string | null }

export async function listScheduleRuns(db: Db): Promise<ScheduleRun[]> {
  return await db<ScheduleRun[]>`
    select name, started_at as "startedAt", finished_at as "finishedAt", failures, last_error as "lastError" from schedule_runs`
}

export async function startScheduleRun(db: Db, name: string): Promise<void> {
  await db`
    insert into schedule_runs (name, started_at) values (${name}, clock_timestamp())
    on conflict (name) do update set started_at = excluded.started_at, finished_at = null`
}

/** `error` is null for a run that succeeded. */
export async function finishScheduleRun(db: Db, name: string, error: string | null): Promise<void> {
  await db`
    update schedule_runs
    set finished_at = clock_timestamp(), last_error = coalesce(${error}, last_error), failures = failures + ${error === null ? 0 : 1}
    where name = ${name}`
}

/**
 * Has this transaction read by index alone. Tables are empty when a process plans its statements for the first time, and work is again and
 * again: a plan that reads all of one stays until the next vacuum.
 */
export async function readByIndex(tx: Db): Promise<void> {
  await tx`set local enable_seqscan = off`
}

/**
 * Lets this transaction's commit not wait for the disk. For work whose rows and outcome are in one transaction: a crash undoes both,
 * and it is done again.
 */
export async function commitUnhurried(tx: Db): Promise<void> {
  await tx`set local synchronous_commit = off`
}
