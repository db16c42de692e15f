import { type Db, maybeOne, one } from "../db.ts"
import { TOUCHING_EVENTS } from "../work/touches.ts"
import type { DayBounds } from "./days.ts"

/** Whether anything is due, whoever may be doing it already. */
export async function isDue(db: Db, doctorId: string): Promise<boolean> {
  return one(await db<{ due: boolean }[]>`select rollups_are_due(${doctorId}) as due`).due
}

/** Locks the doctor's rollups until the transaction ends, if there are any. */
export async function lockRollups(tx: Db, doctorId: string): Promise<boolean> {
  return maybeOne(await tx`select 1 from doctor_rollups where doctor_id = ${doctorId} for update`) !== undefined
}

/** Begins the rollups of a doctor who has none. */
export async function insertRollups(tx: Db, doctorId: string): Promise<void> {
  await tx`
    insert into doctor_rollups (doctor_id, timezone, currency, computed_at)
    select id, '', '', to_timestamp(0) from doctors where id = ${doctorId} on conflict do nothing`
}

/** Locks rollups of which single days are due, the longest waiting first, that nobody has locked. Never waits. */
export async function lockOthersDue(tx: Db, limit: number): Promise<string[]> {
  const rows = await tx<{ doctorId: string }[]>`
    select r.doctor_id as "doctorId" from doctor_rollups r
    where r.doctor_id in (
        select doctor_id from (select id, doctor_id, at from rollups_due where not given_up order by id limit ${4 * limit}) oldest
        group by doctor_id having bool_and(at is not null) order by min(id) limit ${limit})
    for update skip locked`
  return rows.map((row) => row.doctorId)
}

/** The zone and the currency as they are, and as the doctor's rollups were made with: those are null for rollups that are only begun. */
export type RollupState = {
  doctorId: string
  timezone: string
  currency: string
  madeTimezone: string | null
  madeCurrency: string | null
  /** Of when the figures are so far. */
  madeAt: Date
  /** After the rollups were locked: what is read after that is at least as new. */
  now: Date
}

/** Of doctors whose rollups the caller has locked. */
export async function listRollupStates(tx: Db, doctorIds: string[]): Promise<RollupState[]> {
  return await tx<RollupState[]>`
    select d.id as "doctorId", d.timezone, d.currency, nullif(r.timezone, '') as "madeTimezone", nullif(r.currency, '') as "madeCurrency",
      r.computed_at as "madeAt", date_trunc('milliseconds', clock_timestamp()) as now
    from doctors d join doctor_rollups r on r.doctor_id = d.id where d.id = any (${doctorIds}::uuid[])`
}

/** So many changes are read in some two milliseconds. Where more are not written down as due yet, nobody knows how old the oldest is. */
const UNWRITTEN_MAX = 2_000

/**
 * When the oldest change occurred that is committed and not written down as due yet, because its event is not published or not read;
 * undefined if there is none. It was committed after that. Epoch if there are too many to look at, or unread ones are no longer kept.
 */
export async function findOldestUnwritten(tx: Db): Promise<Date | undefined> {
  const row = one(
    await tx<{ oldest: Date | null }[]>`
    with unwritten as (
      (select name, occurred_at from events where "offset" is null order by seq limit ${UNWRITTEN_MAX})
      union all
      (select name, occurred_at from events where "offset" > (select "offset" from work_cursor) order by "offset" limit ${UNWRITTEN_MAX}))
    select case when count(*) >= ${UNWRITTEN_MAX} or exists (select from event_log l, work_cursor c where c."offset" < l.floor)
      then to_timestamp(0)
      else date_trunc('milliseconds', min(occurred_at) filter (where name = any (${TOUCHING_EVENTS}::text[]))) end as oldest
    from unwritten`,
  )
  return row.oldest ?? undefined
}

export type Due = { doctorId: string; at: Date | null; everyDay: boolean }

/** Takes what is due. What becomes due meanwhile is a row of its own and stays. */
export async function takeRollupsDue(tx: Db, doctorIds: string[]): Promise<Due[]> {
  return await tx<Due[]>`
    delete from rollups_due where doctor_id = any (${doctorIds}::uuid[]) returning doctor_id as "doctorId", at, every_day as "everyDay"`
}

/** The days of UTC, counted from the epoch, on which anything of the doctor's happens that a rollup counts. */
export async function listActiveUtcDays(db: Db, doctorId: string): Promise<number[]> {
  const rows = await db<{ n: number }[]>`
    select distinct floor(extract(epoch from at) / 86400)::int8 as n
    from (
      select scheduled_at as at from appointments where doctor_id = ${doctorId}
      union all select paid_at from payments where doctor_id = ${doctorId} and paid_at is not null
      union all select refunded_at from payments where doctor_id = ${doctorId} and refunded_at is not null) moments`
  return rows.map((row) => row.n)
}

/** Returns how many there were. */
export async function deleteDays(tx: Db, doctorId: string): Promise<number> {
  return (await tx`delete from doctor_days where doctor_id = ${doctorId}`).count
}

/** A day of a doctor; `decimals` are the currency's. */
export type DoctorDay = DayBounds & { doctorId: string; currency: string; decimals: number }

/**
 * Computes the days from the rows and writes those that differ. Returns these, in order. The first visit of a patient is the one with
 * none before it. Payments in other currencies do not count.
 */
export async function computeDays(tx: Db, days: DoctorDay[]): Promise<{ doctorId: string; day: string }[]> {
  return await tx<{ doctorId: string; day: string }[]>`
    with days as materialized (
      select "doctorId" as doctor_id, day, to_timestamp(starts) as starts, to_timestamp(ends) as ends, currency, decimals
      from jsonb_to_recordset(${tx.json(days)}) as r ("doctorId" uuid, day date, starts float8, ends float8, currency text, decimals int)),
    figures as (
      select d.doctor_id, d.day, visits.*, (coalesce(paid.amount, 0) - coalesce(refunded.amount, 0)) * (10::numeric ^ d.decimals) as revenue
      from days d
      cross join lateral (
        select count(*) filter (where a.status <> 'REJECTED') as booked,
          count(*) filter (where a.status = 'COMPLETED') as completed,
          count(*) filter (where a.status = 'CANCELLED') as cancelled,
          count(*) filter (where a.status = 'NO_SHOW') as no_show,
          count(*) filter (where a.status <> 'REJECTED' and not exists (
            select from appointments e
            where e.patient_id = a.patient_id and e.doctor_id = a.doctor_id and e.status <> 'REJECTED'
              and (e.scheduled_at, e.id) < (a.scheduled_at, a.id))) as new_patients
        from appointments a
        where a.doctor_id = d.doctor_id and a.scheduled_at >= d.starts and a.scheduled_at < d.ends) visits
      cross join lateral (
        select sum(p.amount) as amount from payments p
        where p.doctor_id = d.doctor_id and p.currency = d.currency and p.paid_at >= d.starts and p.paid_at < d.ends) paid
      cross join lateral (
        select sum(p.amount) as amount from payments p
        where p.doctor_id = d.doctor_id and p.currency = d.currency and p.paid_at is not null
          and p.refunded_at >= d.starts and p.refunded_at < d.ends) refunded),
    written as (
      insert into doctor_days as x (doctor_id, day, booked, completed, cancelled, no_show, new_patients, revenue)
      select doctor_id, day, booked, completed, cancelled, no_show, new_patients, revenue::bigint
      from figures f
      where booked <> 0 or completed <> 0 or revenue <> 0 or exists (select from doctor_days k where k.doctor_id = f.doctor_id and k.day = f.day)
      order by doctor_id, day
      on conflict (doctor_id, day) do update
      set booked = excluded.booked, completed = excluded.completed, cancelled = excluded.cancelled, no_show = excluded.no_show,
        new_patients = excluded.new_patients, revenue = excluded.revenue
      where (x.booked, x.completed, x.cancelled, x.no_show, x.new_patients, x.revenue)
        is distinct from (excluded.booked, excluded.completed, excluded.cancelled, excluded.no_show, excluded.new_patients, excluded.revenue)
      returning doctor_id, day)
    select doctor_id as "doctorId", day::text from written order by doctor_id, day`
}

/** The last step of a computation: what it was made with, and of when the figures are. */
export async function updateRollups(tx: Db, states: (RollupState & { computedAt: Date })[]): Promise<void> {
  const made = states.map(({ doctorId, timezone, currency, computedAt }) => ({
    doctorId,
    timezone,
    currency,
    computedAt: computedAt.toISOString(),
  }))
  await tx`
    update doctor_rollups r
    set timezone = made.timezone, currency = made.currency, computed_at = made."computedAt",
      patients = (select coalesce(sum(new_patients), 0) from doctor_days d where d.doctor_id = r.doctor_id)
    from jsonb_to_recordset(${tx.json(made)}) as made ("doctorId" uuid, timezone text, currency text, "computedAt" timestamptz)
    where r.doctor_id = made."doctorId"`
}

/** Doctors with rollups, by id. */
export async function listDoctorsWithRollups(db: Db, after: string, limit: number): Promise<string[]> {
  const rows = await db<{ doctorId: string }[]>`
    select doctor_id as "doctorId" from doctor_rollups where doctor_id > ${after} order by doctor_id limit ${limit}`
  return rows.map((row) => row.doctorId)
}

/** Of doctors that have appointments and no rollups, such as imported ones, makes every day due. */
export async function insertMissingDue(db: Db): Promise<void> {
  await db`
    insert into rollups_due (doctor_id, every_day)
    select id, true from doctors d
    where not exists (select from doctor_rollups where doctor_id = d.id) and exists (select from appointments where doctor_id = d.id)
      and not exists (select from rollups_due where doctor_id = d.id)`
}

/** What the rollups of a doctor are in; of one without any, what they will be in. */
export async function findZone(db: Db, doctorId: string): Promise<{ timezone: string; currency: string }> {
  return one(
    await db<{ timezone: string; currency: string }[]>`
      select coalesce(nullif(r.timezone, ''), d.timezone) as timezone, coalesce(nullif(r.currency, ''), d.currency) as currency
      from doctors d left join doctor_rollups r on r.doctor_id = d.id where d.id = ${doctorId}`,
  )
}

/** The sums of a day, or of a month under its first day. */
export type Point = {
  date: string
  booked: number
  completed: number
  cancelled: number
  noShow: number
  newPatients: number
  /** Minor units. */
  revenue: number
}

export type Read = { timezone: string; currency: string; computedAt: Date; patientsByThen: number; points: Point[] }

/**
 * The points between two days, both included, and how many patients there were by the end of the last: all there are, less those who
 * come later. One statement, so that all is of one computation. Figures of a doctor without rollups were true when they signed up.
 */
export async function readDays(db: Db, doctorId: string, unit: "day" | "month", from: string, to: string): Promise<Read> {
  return one(
    await db<Read[]>`
    select coalesce(nullif(r.timezone, ''), d.timezone) as timezone, coalesce(nullif(r.currency, ''), d.currency) as currency,
      case when r.timezone <> '' then r.computed_at else date_trunc('milliseconds', d.created_at) end as "computedAt",
      coalesce(r.patients, 0) - (select coalesce(sum(new_patients), 0) from doctor_days l where l.doctor_id = d.id and l.day > ${to}) as "patientsByThen",
      (select coalesce(json_agg(points), '[]') from (
        select to_char(date_trunc(${unit}, day::timestamp), 'YYYY-MM-DD') as date, sum(booked) as booked, sum(completed) as completed,
          sum(cancelled) as cancelled, sum(no_show) as "noShow", sum(new_patients) as "newPatients", sum(revenue) as revenue
        from doctor_days x where x.doctor_id = d.id and x.day between ${from} and ${to} group by 1) points) as points
    from doctors d left join doctor_rollups r on r.doctor_id = d.id where d.id = ${doctorId}`,
  )
}
