/** A doctor whose appointments and payments a test changes as it likes, each change with its event; and the same figures computed plainly. */
import type { Pool, Tx } from "../db.ts"
import type { LoggedEvent } from "../events/catalog.ts"
import { assignOffsets } from "../events/queries.ts"
import { insertRollupsDue } from "../work/queries.ts"
import { touchesOf } from "../work/touches.ts"
import { recomputeRollups } from "./recompute.ts"
import type { Analytics, Period } from "./schema.ts"

const VISIT_MS = 5 * 60_000
const EVENTS_MAX = 1_000_000

export class Practice {
  readonly doctorId = Bun.randomUUIDv7()
  readonly patients: string[] = []
  readonly appointments: string[] = []
  readonly payments: string[] = []
  #read = 0

  private constructor(
    readonly pool: Pool,
    /** What happened before is not read. */
    readonly since: number,
  ) {}

  static async open(pool: Pool, timezone: string, currency: string, patients = 4): Promise<Practice> {
    const [last] = await pool<{ seq: number }[]>`select coalesce(max(seq), 0) as seq from events`
    const practice = new Practice(pool, last?.seq ?? 0)
    const clinicId = Bun.randomUUIDv7()
    await pool`
      insert into clinics (id, name, address, city, city_key, latitude, longitude, timezone, verification_code)
      values (${clinicId}, 'C', 'A', 'X', 'x', 1, 1, ${timezone}, 'code')`
    await pool`
      insert into doctors (id, clinic_id, name, name_fold, specialization, specialization_key, consultation_fee, currency, clinic_name,
        clinic_name_fold, clinic_address, city, city_key, clinic_latitude, clinic_longitude, h3_r4, h3_r6, h3_r8, working_hours, timezone)
      values (${practice.doctorId}, ${clinicId}, 'Ada', 'ada', 'S', 's', 100, ${currency}, 'C', 'c', 'A', 'X', 'x', 1, 1, 1, 1, 1, '{}', ${timezone})`
    for (let n = 0; n < patients; n++) {
      const id = Bun.randomUUIDv7()
      await pool`insert into patients (id, name, name_fold) values (${id}, 'Pat', 'pat')`
      practice.patients.push(id)
    }
    return practice
  }

  /** Books, unless the time is taken. */
  async book(patient: number, at: Date, status = "PENDING"): Promise<void> {
    const id = Bun.randomUUIDv7()
    const patientId = this.patients[patient % this.patients.length] as string
    await this.pool.begin(async (tx) => {
      const made = await tx`
        insert into appointments (id, doctor_id, patient_id, during, status)
        values (${id}, ${this.doctorId}, ${patientId}, tstzrange(${at}, ${end(at)}), ${status})
        on conflict on constraint appointments_no_overlap do nothing returning id`
      if (made.length === 0) return
      await tell(tx, "appointment:new", { appointmentId: id, patientName: "Pat", scheduledAt: at.toISOString(), reason: null })
      this.appointments.push(id)
    })
  }

  /** Moves to another time, back to PENDING; back to where it was if the time is taken. What is REJECTED stays as it is, as in the product. */
  async move(appointment: number, at: Date): Promise<void> {
    const id = this.appointments[appointment % this.appointments.length]
    if (id === undefined) return
    await this.pool
      .begin(async (tx) => {
        const [before] = await tx<
          { at: Date }[]
        >`select scheduled_at as at from appointments where id = ${id} and status <> 'REJECTED' for update`
        if (!before) return
        await tx`update appointments set during = tstzrange(${at}, ${end(at)}), status = 'PENDING' where id = ${id}`
        await tell(tx, "appointment:moved", { appointmentId: id, from: before.at.toISOString() })
        await tell(tx, "appointment:update", { appointmentId: id, status: "PENDING", scheduledAt: at.toISOString() })
      })
      .catch(ignoreTaken)
  }

  /** Any status may follow any other but REJECTED, which nothing follows. */
  async setStatus(appointment: number, status: string): Promise<void> {
    const id = this.appointments[appointment % this.appointments.length]
    if (id === undefined) return
    await this.pool
      .begin(async (tx) => {
        const [after] = await tx<{ at: Date }[]>`
          update appointments set status = ${status} where id = ${id} and status <> 'REJECTED' returning scheduled_at as at`
        if (!after) return
        await tell(tx, "appointment:update", { appointmentId: id, status, scheduledAt: after.at.toISOString() })
      })
      .catch(ignoreTaken)
  }

  /** A payment in the doctor's currency; `amount` in minor units. All is done but the commit when `beforeCommit` is called. */
  async pay(patient: number, amount: number, at: Date, beforeCommit?: () => Promise<unknown>): Promise<void> {
    const id = Bun.randomUUIDv7()
    const patientId = this.patients[patient % this.patients.length] as string
    await this.pool.begin(async (tx) => {
      const [doctor] = await tx<{ currency: string }[]>`select currency from doctors where id = ${this.doctorId}`
      const decimals = { USD: 2, JPY: 0, KWD: 3 }[doctor?.currency ?? ""] ?? 2
      await tx`
        insert into payments (id, doctor_id, patient_id, amount, currency, status, method, paid_at, created_at, updated_at)
        values (${id}, ${this.doctorId}, ${patientId}, ${amount}::numeric / (10 ^ ${decimals}::int)::numeric, ${doctor?.currency ?? ""},
          'COMPLETED', 'CASH', ${at}, ${at}, ${at})`
      await tell(tx, "payment:update", { paymentId: id, appointmentId: null, amount, status: "COMPLETED" })
      await beforeCommit?.()
    })
    this.payments.push(id)
  }

  async refund(payment: number, at: Date): Promise<void> {
    const id = this.payments[payment % this.payments.length]
    if (id === undefined) return
    await this.pool.begin(async (tx) => {
      await tx`update payments set status = 'REFUNDED', refunded_at = ${at} where id = ${id} and status = 'COMPLETED'`
      await tell(tx, "payment:update", { paymentId: id, appointmentId: null, amount: 1, status: "REFUNDED" })
    })
  }

  async setDoctor(column: "timezone" | "currency", value: string): Promise<void> {
    await this.pool.begin(async (tx) => {
      await tx`update doctors set ${tx(column)} = ${value} where id = ${this.doctorId}`
      await tell(tx, "doctor:changed", { doctorId: this.doctorId, version: 1 })
    })
  }

  /** Publishes what is committed, reads at most `events` further events of the log, and does what they make due. */
  async process(events?: number): Promise<void> {
    await this.publish()
    for (const doctorId of await this.read(events)) await recomputeRollups(this.pool, doctorId)
  }

  /** The publisher's part: every event that is committed gets its offset. */
  async publish(): Promise<void> {
    const turn = Bun.randomUUIDv7()
    await this.pool.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(1), set_config('pulsecal.turn', ${turn}, true)`
      await assignOffsets(tx, EVENTS_MAX, turn)
    })
  }

  /** The reader's part: writes down what the next events of the log make due. Returns of which doctors. */
  async read(events = EVENTS_MAX): Promise<string[]> {
    return await this.pool.begin(async (tx) => {
      const batch = await tx<LoggedEvent[]>`
        select name, data, "offset" from events where "offset" > ${this.#read} and seq > ${this.since} order by "offset" limit ${events}`
      this.#read = batch.at(-1)?.offset ?? this.#read
      await tx`
        insert into work_cursor ("offset") values (${this.#read})
        on conflict on constraint work_cursor_pkey do update set "offset" = greatest(work_cursor."offset", excluded."offset")`
      return await insertRollupsDue(tx, touchesOf(batch))
    })
  }
}

const end = (at: Date) => new Date(at.getTime() + VISIT_MS)

async function tell(tx: Tx, name: string, data: Record<string, string | number | null | undefined>): Promise<void> {
  await tx`
    insert into events (id, name, subject, rooms, data)
    values (${Bun.randomUUIDv7()}, ${name}, 'test', '{}', ${tx.json(data as Record<string, string>)})`
}

function ignoreTaken(error: unknown): void {
  if (!(error instanceof Error && error.message.includes("appointments_no_overlap"))) throw error
}

type Expected = Omit<Analytics, "computedAt">

/**
 * What a plain query over the rows says: Postgres's own zones and arithmetic, none of the code that is tested. For zones whose clocks
 * never go back across midnight, where the date that is read is the day.
 */
export async function onDemand(pool: Pool, doctorId: string, period: Period, now: Date): Promise<Expected> {
  const [row] = await pool<{ answer: Expected }[]>`
    with d as (select id, timezone as tz, currency from doctors where id = ${doctorId}),
    t as (select *, (${now}::timestamptz at time zone tz)::date as today from d),
    w as (
      select t.*, case ${period} when 'year' then (date_trunc('month', today::timestamp) - interval '11 months')::date
          else today - (case ${period} when 'day' then 1 when 'week' then 7 when 'month' then 30 else 90 end) + 1 end as since,
        case ${period} when 'year' then interval '1 month' else interval '1 day' end as step from t),
    b as (
      select w.*, case ${period} when 'year' then (since - interval '12 months')::date else since - (today - since + 1) end as before from w),
    visits as (
      select a.*, (a.scheduled_at at time zone b.tz)::date as day,
        a.status <> 'REJECTED' and row_number() over (partition by a.patient_id, a.status <> 'REJECTED' order by a.scheduled_at, a.id) = 1 as first
      from b join appointments a on a.doctor_id = b.id),
    money as (
      select (p.paid_at at time zone b.tz)::date as day, p.amount from b join payments p on p.doctor_id = b.id and p.currency = b.currency
      where p.paid_at is not null
      union all
      select (p.refunded_at at time zone b.tz)::date, -p.amount from b join payments p on p.doctor_id = b.id and p.currency = b.currency
      where p.refunded_at is not null),
    spans as (
      select 'summary' as kind, since as first_day, today as last_day from b union all select 'previous', before, since - 1 from b
      union all select 'point', s::date, least((s + step - interval '1 day')::date, today)
        from b, generate_series(since::timestamp, today::timestamp, step) s),
    figures as (
      select s.*, v.*, m.revenue, p.total from spans s
      cross join lateral (
        select count(*) filter (where status <> 'REJECTED') as booked, count(*) filter (where status = 'COMPLETED') as completed,
          count(*) filter (where status = 'CANCELLED') as cancelled, count(*) filter (where status = 'NO_SHOW') as no_show,
          count(*) filter (where first) as new_patients
        from visits where day between s.first_day and s.last_day) v
      cross join lateral (select coalesce(sum(amount), 0) as revenue from money where day between s.first_day and s.last_day) m
      cross join lateral (select count(distinct patient_id) as total from visits where status <> 'REJECTED' and day <= s.last_day) p),
    sums as (
      select kind, json_build_object('appointments', booked, 'completed', completed, 'cancelled', cancelled, 'noShow', no_show,
        'revenue', revenue, 'currency', b.currency, 'newPatients', new_patients,
        'cancellationRate', case when booked = 0 then 0 else round(cancelled::numeric / booked, 4) end) as of
      from figures, b where kind <> 'point')
    select json_build_object('period', ${period}::text, 'from', since, 'to', today, 'timezone', tz,
      'summary', (select of from sums where kind = 'summary'), 'previous', (select of from sums where kind = 'previous'),
      'revenueTrend', (select json_agg(json_build_object('date', first_day, 'revenue', revenue) order by first_day) from figures where kind = 'point'),
      'appointmentTrend', (select json_agg(json_build_object('date', first_day, 'booked', booked, 'completed', completed, 'cancelled', cancelled)
        order by first_day) from figures where kind = 'point'),
      'patientGrowth', (select json_agg(json_build_object('date', first_day, 'newPatients', new_patients, 'totalPatients', total)
        order by first_day) from figures where kind = 'point')) as answer
    from b`
  return row?.answer as Expected
}
