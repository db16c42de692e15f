/** Doctors with histories, and changes to them as fast as asked. */
import type { Pool } from "../../core/db.ts"

const TICK_MS = 25
/** Between two visits of the doctors under load. */
const STEP_MINUTES = 30

export type Doctor = { doctorId: string; uid: string }

export async function insertDoctors(pool: Pool, count: number): Promise<Doctor[]> {
  const doctors = Array.from({ length: count }, (_, n) => ({ doctorId: Bun.randomUUIDv7(), uid: `bench-${Bun.randomUUIDv7()}-${n}` }))
  const clinicId = Bun.randomUUIDv7()
  await pool`
    insert into clinics (id, name, address, city, city_key, latitude, longitude, timezone, verification_code)
    values (${clinicId}, 'Bench', 'A', 'New York', 'new york', 40.7, -74, 'America/New_York', 'code')`
  await pool`insert into accounts (uid, role) select uid, 'DOCTOR' from unnest(${doctors.map((d) => d.uid)}::text[]) uid`
  await pool`
    insert into doctors (id, uid, clinic_id, name, name_fold, specialization, specialization_key, consultation_fee, currency, clinic_name,
      clinic_name_fold, clinic_address, city, city_key, clinic_latitude, clinic_longitude, h3_r4, h3_r6, h3_r8, working_hours, timezone)
    select id, uid, ${clinicId}, 'Ada', 'ada', 'S', 's', 100, 'USD', 'Bench', 'bench', 'A', 'New York', 'new york', 40.7, -74, 1, 1, 1, '{}',
      'America/New_York'
    from unnest(${doctors.map((d) => d.doctorId)}::uuid[], ${doctors.map((d) => d.uid)}::text[]) as d (id, uid)`
  return doctors
}

export async function insertPatients(pool: Pool, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => Bun.randomUUIDv7())
  await pool`insert into patients (id, name, name_fold) select id, 'Pat', 'pat' from unnest(${ids}::uuid[]) id`
  return ids
}

/** `count` visits of one doctor, evenly over the last two years, six in ten of them paid for. */
export async function insertHistory(pool: Pool, doctorId: string, patients: string[], count: number): Promise<void> {
  await pool`
    insert into appointments (id, doctor_id, patient_id, during, status)
    select gen_random_uuid(), ${doctorId}, (${patients}::uuid[])[1 + (n / 5 + n % 7 * 13) % ${patients.length}::int], tstzrange(at, at + interval '5 minutes'),
      (array['COMPLETED', 'COMPLETED', 'COMPLETED', 'CANCELLED', 'NO_SHOW', 'REJECTED', 'COMPLETED'])[1 + n % 7]
    from generate_series(0, ${count - 1}::int) n, lateral (select now() - interval '1 year 11 months' * (n::float8 / ${count}) as at) t`
  await pool`
    insert into payments (id, appointment_id, doctor_id, patient_id, amount, currency, status, method, paid_at, refunded_at, created_at, updated_at)
    select gen_random_uuid(), id, doctor_id, patient_id, 100.25, 'USD', case when r then 'REFUNDED' else 'COMPLETED' end, 'CASH', scheduled_at,
      case when r then scheduled_at + interval '1 day' end, scheduled_at, scheduled_at
    from appointments, lateral (select hashtext(id::text) % 50 = 0 as r) refunded
    where doctor_id = ${doctorId} and status = 'COMPLETED'`
}

/** `each` visits of each doctor, around today. Returns their ids. */
export async function insertVisits(pool: Pool, doctors: Doctor[], patients: string[], each: number): Promise<string[]> {
  const rows = await pool<{ id: string }[]>`
    insert into appointments (id, doctor_id, patient_id, during, status)
    select gen_random_uuid(), doctor_id, (${patients}::uuid[])[1 + (n * 31 + d) % ${patients.length}::int], tstzrange(at, at + interval '15 minutes'), 'COMPLETED'
    from unnest(${doctors.map((d) => d.doctorId)}::uuid[]) with ordinality as t (doctor_id, d),
      generate_series(0, ${each - 1}::int) n,
      lateral (select now() - n * ${STEP_MINUTES}::int * interval '1 minute' as at) moment
    returning id`
  return rows.map((row) => row.id)
}

/** Changes visits and announces it, `perSecond` of them until `ms` have passed. Returns how many it came to. */
export async function changeVisits(pool: Pool, ids: string[], perSecond: number, ms: number, published: () => void): Promise<number> {
  const started = performance.now()
  let changed = 0
  for (;;) {
    const elapsed = performance.now() - started
    if (elapsed >= ms) return changed
    const due = Math.floor((elapsed / 1000) * perSecond) - changed
    if (due > 0) {
      await changeSome(
        pool,
        Array.from({ length: due }, () => ids[Math.floor(Math.random() * ids.length)] as string),
      )
      changed += due
      published()
    }
    await Bun.sleep(TICK_MS)
  }
}

async function changeSome(pool: Pool, ids: string[]): Promise<void> {
  await pool`
    with asked as (select id from unnest(${ids}::uuid[]) id),
    changed as (
      update appointments a set status = case a.status when 'COMPLETED' then 'CANCELLED' else 'COMPLETED' end, version = version + 1
      where id = any (${ids}::uuid[]) returning id, status, scheduled_at, doctor_id)
    insert into events (id, name, subject, rooms, data)
    select gen_random_uuid(), 'appointment:update', 'appointment:' || id, array['doctor:' || doctor_id],
      jsonb_build_object('appointmentId', id, 'status', status, 'scheduledAt', to_char(scheduled_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    from asked join changed using (id)`
}

/** The year's summary computed on demand, as one would without rollups: three passes, no index that the product has not got. */
export async function summarizeOnDemand(pool: Pool, doctorId: string, from: string, to: string, previousFrom: string) {
  const [row] = await pool<{ appointments: number; revenue: number; newPatients: number; points: number }[]>`
    with zone as (select timezone as tz from doctors where id = ${doctorId}),
    visits as (
      select date_trunc('month', scheduled_at at time zone tz)::date as month, count(*) filter (where status <> 'REJECTED') as booked,
        count(*) filter (where status = 'COMPLETED') as completed, count(*) filter (where status = 'CANCELLED') as cancelled,
        count(*) filter (where status = 'NO_SHOW') as no_show
      from appointments, zone
      where doctor_id = ${doctorId} and scheduled_at >= ${previousFrom}::timestamp at time zone tz
        and scheduled_at < (${to}::date + 1)::timestamp at time zone tz group by 1),
    money as (
      select date_trunc('month', at at time zone tz)::date as month, sum(amount) as revenue
      from (
        select paid_at as at, amount from payments where doctor_id = ${doctorId} and currency = 'USD' and paid_at is not null
        union all select refunded_at, -amount from payments where doctor_id = ${doctorId} and currency = 'USD' and refunded_at is not null) m, zone
      where at < (${to}::date + 1)::timestamp at time zone tz group by 1),
    firsts as (
      select date_trunc('month', first at time zone tz)::date as month, count(*) as patients
      from (select min(scheduled_at) as first from appointments where doctor_id = ${doctorId} and status <> 'REJECTED' group by patient_id) f, zone
      group by 1)
    select (select sum(booked) from visits where month >= ${from}) as appointments, (select sum(revenue) from money where month >= ${from}) as revenue,
      (select coalesce(sum(patients), 0) from firsts where month between ${from} and ${to}) as "newPatients", (select count(*) from visits) as points`
  return row
}
