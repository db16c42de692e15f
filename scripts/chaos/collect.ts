/** Reads what the tables, the log and the queues hold at the end, by statements of its own. */
import { Redis } from "ioredis"
import postgres from "postgres"
import type { RedisConfig } from "../../core/config.ts"
import { readDoctorStates } from "./doctor-states.ts"
import type { AppointmentRow, Audit, AuditEntry, Evidence, Figures, LogRow, PaymentRow, Work } from "./evidence.ts"

export type Tables = Pick<Evidence, "dismissed" | "log" | "appointments" | "payments" | "figures" | "work" | "doctorStates"> & {
  audit: Omit<Audit, "verified">
}
type Sql = postgres.Sql<{ bigint: number }>

export function openReader(url: string): Sql {
  const bigint = { to: 20, from: [20], serialize: String, parse: Number }
  return postgres(url, { max: 2, types: { bigint }, onnotice: () => {} }) as unknown as Sql
}

/** In one snapshot, so that a clock that strikes meanwhile divides nothing. */
export async function readTables(sql: Sql, redis: RedisConfig): Promise<Tables> {
  const jobs = await countJobs(sql, redis)
  return await sql.begin("isolation level repeatable read", async (tx) => {
    const of = tx as unknown as Sql
    return {
      dismissed: (await of<{ uid: string }[]>`select uid from receptionists where status = 'REVOKED'`).map((row) => row.uid),
      log: await readLog(of),
      appointments: await readAppointments(of),
      payments: await readPayments(of),
      figures: await readFigures(of),
      work: { ...(await readWork(of)), jobs },
      doctorStates: await readDoctorStates(of),
      audit: await readAudit(of),
    }
  })
}

async function readLog(sql: Sql): Promise<LogRow[]> {
  return [
    ...(await sql<LogRow[]>`
      select "offset", seq, id, name, subject, data, extract(epoch from occurred_at)::float8 * 1000 as at from events order by "offset", seq`),
  ]
}

async function readAppointments(sql: Sql): Promise<AppointmentRow[]> {
  return [
    ...(await sql<AppointmentRow[]>`
      select a.id, a.doctor_id as "doctorId", a.patient_id as "patientId", d.clinic_id as "clinicId", a.status, a.version, a.reason,
        extract(epoch from lower(a.during))::float8 * 1000 as start, extract(epoch from upper(a.during))::float8 * 1000 as "end"
      from appointments a join doctors d on d.id = a.doctor_id`),
  ]
}

async function readPayments(sql: Sql): Promise<PaymentRow[]> {
  return [
    ...(await sql<PaymentRow[]>`
      select p.id, p.appointment_id as "appointmentId", p.doctor_id as "doctorId", p.patient_id as "patientId", d.clinic_id as "clinicId",
        p.amount::text as amount, p.status, extract(epoch from p.created_at)::float8 * 1000 as "createdAt",
        extract(epoch from p.paid_at)::float8 * 1000 as "paidAt", extract(epoch from p.refunded_at)::float8 * 1000 as "refundedAt"
      from payments p join doctors d on d.id = p.doctor_id`),
  ]
}

/** Days by Postgres's own zones, first visits by sorting: neither is how the product counts. All amounts are dollars. */
async function readFigures(sql: Sql): Promise<Figures[]> {
  return [
    ...(await sql<Figures[]>`
      with firsts as (
        select distinct on (doctor_id, patient_id) id from appointments where status <> 'REJECTED'
        order by doctor_id, patient_id, scheduled_at, id),
      moments as (
        select a.doctor_id, a.scheduled_at as at, (a.status <> 'REJECTED')::int as booked, (a.status = 'COMPLETED')::int as completed,
          (a.status = 'CANCELLED')::int as cancelled, (a.status = 'NO_SHOW')::int as no_show, (f.id is not null)::int as new_patients, 0 as cents
        from appointments a left join firsts f using (id)
        union all select doctor_id, paid_at, 0, 0, 0, 0, 0, amount * 100 from payments where paid_at is not null
        union all select doctor_id, refunded_at, 0, 0, 0, 0, 0, -amount * 100 from payments where refunded_at is not null),
      counted as (
        select m.doctor_id, (m.at at time zone d.timezone)::date as day, sum(booked) as booked, sum(completed) as completed,
          sum(cancelled) as cancelled, sum(no_show) as no_show, sum(new_patients) as new_patients, sum(cents)::bigint as revenue
        from moments m join doctors d on d.id = m.doctor_id group by 1, 2),
      both_sides as (
        select doctor_id, day, true as kept, booked, completed, cancelled, no_show, new_patients, revenue from doctor_days
        union all select doctor_id, day, false, booked, completed, cancelled, no_show, new_patients, revenue from counted)
      select doctor_id as "doctorId", day::text as day,
        max(format('%s booked, %s completed, %s cancelled, %s missed, %s new, %s cents', booked, completed, cancelled, no_show, new_patients, revenue)) filter (where kept) as kept,
        max(format('%s booked, %s completed, %s cancelled, %s missed, %s new, %s cents', booked, completed, cancelled, no_show, new_patients, revenue)) filter (where not kept) as counted
      from both_sides where booked <> 0 or completed <> 0 or cancelled <> 0 or no_show <> 0 or new_patients <> 0 or revenue <> 0
      group by doctor_id, day`),
  ]
}

async function readAudit(sql: Sql): Promise<Omit<Audit, "verified">> {
  const rows = await sql<{ entry: string; sealed: boolean }[]>`
    select entry, true as sealed from audit_log union all select entry::text, false from audit_inbox`
  return { entries: rows.map((row) => JSON.parse(row.entry) as AuditEntry), unsealed: rows.filter((row) => !row.sealed).length }
}

async function readWork(sql: Sql): Promise<Omit<Work, "jobs">> {
  const [row] = await sql<Omit<Work, "jobs">[]>`
    select (select head from event_log) as head, (select "offset" from work_cursor) as cursor,
      (select count(*) from events where "offset" is null) as unpublished, (select count(*) from rollups_due) as due,
      (select count(*) from rollups_due where given_up) as "givenUp"`
  return row as Omit<Work, "jobs">
}

/** Where the queues keep what. */
export function jobsKey(logId: string, queue: "rollups" | "schedules", list: string): string {
  return `pulsecal:jobs:${logId}:${queue}:${list}`
}

export async function readLogId(sql: Sql): Promise<string> {
  const [log] = await sql<{ id: string }[]>`select id from event_log`
  return log?.id ?? ""
}

async function countJobs(sql: Sql, { host, port }: RedisConfig): Promise<number> {
  const logId = await readLogId(sql)
  const redis = new Redis({ host, port })
  const key = (list: string) => jobsKey(logId, "rollups", list)
  const counts = [redis.llen(key("wait")), redis.llen(key("active")), redis.zcard(key("failed")), redis.zcard(key("delayed"))]
  const sum = (await Promise.all(counts)).reduce((a, b) => a + b, 0)
  redis.disconnect()
  return sum
}

/** Whether the workers have come to rest, and up to where the log goes. */
export async function isSettled(sql: Sql): Promise<number | undefined> {
  const work = await readWork(sql)
  const [audit] = await sql<{ unsealed: boolean }[]>`select exists (select from audit_inbox) as unsealed`
  return work.unpublished === 0 && work.due === 0 && work.cursor === work.head && !audit?.unsealed ? work.head : undefined
}
