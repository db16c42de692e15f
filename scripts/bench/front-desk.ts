/**
 * `bun run bench:front-desk`: what the front desk's two screens cost the server, from request to answer without the network, at a
 * clinic of ten doctors with 500 appointments today.
 */
import { type Api, startApi } from "../../api/server.ts"
import { mintDevelopmentToken } from "../../core/auth/development.ts"
import type { Pool } from "../../core/db.ts"
import { dayOf, startOfDay } from "../../core/doctors/schedule/zone.ts"
import { openLog } from "../../core/log.ts"
import { clinicOf, doctorInput, person, receptionistOf } from "../../tests/harness/api.ts"
import { median, percentile, say, startBench } from "./environment.ts"

const DOCTORS = 10
const APPOINTMENTS_A_DAY = 500
/** Days of history before today, as full as today is. */
const DAYS_BACK = 60
const PATIENTS = 5_000
const WARM_UP_CALLS = 300
const CALLS = 2_000
const PROJECT = "demo-pulsecal"

/** A clinic with its history; today's appointments are in all states, a fifth of them waiting. Returns a receptionist's token. */
async function openClinic(api: Api, pool: Pool): Promise<string> {
  const people = { url: api.url, database: { pool }, person: (uid: string = Bun.randomUUIDv7()) => person(api.url, uid) } as Parameters<
    typeof clinicOf
  >[0]
  const { clinicId, profile } = await clinicOf(people)
  const { clinicName, clinicAddress, city, clinicLatitude, clinicLongitude, ...practice } = doctorInput
  for (let n = 1; n < DOCTORS; n++)
    await people.person().post("/doctors", { ...practice, clinicId, clinicVerificationCode: profile.clinicVerificationCode })
  await pool`
    insert into patients (id, clinic_id, name, name_fold, phone)
    select gen_random_uuid(), ${clinicId}, 'Patient ' || n, 'patient ' || n, '+1 212 555 ' || n from generate_series(1, ${PATIENTS}) n`
  const today = startOfDay(Temporal.PlainDate.from(dayOf(Date.now(), doctorInput.timezone)), doctorInput.timezone).epochMilliseconds
  await pool`
    with d as (select id, row_number() over (order by id) - 1 as n from doctors where clinic_id = ${clinicId}),
    p as (select id, row_number() over (order by id) - 1 as n from patients where clinic_id = ${clinicId})
    insert into appointments (id, doctor_id, patient_id, during, status, reason)
    select gen_random_uuid(), d.id, p.id, tstzrange(start, start + interval '20 minutes'),
      case when day < 0 then 'COMPLETED'
        else (array['WAITING', 'CONFIRMED', 'COMPLETED', 'CANCELLED', 'PENDING'])[1 + (slot % 5)] end, 'General checkup'
    from generate_series(${-DAYS_BACK}::int, 0) day
    cross join generate_series(0, ${APPOINTMENTS_A_DAY / DOCTORS - 1}::int) slot
    cross join d
    join p on p.n = (day + ${DAYS_BACK}::int) * 7919 % ${PATIENTS}::int + d.n * 13 + slot
    cross join lateral (select to_timestamp(${today / 1000}::float8) + make_interval(days => day, mins => slot * 25) as start) s`
  await pool`insert into clinic_queues (clinic_id) values (${clinicId}) on conflict do nothing`
  await pool`
    insert into queue_entries (appointment_id, clinic_id, doctor_id, checked_in_at, lapses_at)
    select id, ${clinicId}, doctor_id, now(), now() + interval '12 hours' from appointments where status = 'WAITING'`
  await pool`insert into doctor_paces (doctor_id, typical_ms) select id, 1_020_000 from doctors where clinic_id = ${clinicId}`
  await pool`vacuum analyze appointments, patients, doctors, queue_entries`
  const desk = await receptionistOf(people, clinicId)
  return mintDevelopmentToken({ projectId: PROJECT, uid: desk.uid, expiresInSeconds: 3600 })
}

async function measure(api: Api, token: string, path: string): Promise<{ times: number[]; body: Record<string, unknown> }> {
  const times: number[] = []
  let body: Record<string, unknown> = {}
  for (let call = 0; call < WARM_UP_CALLS + CALLS; call++) {
    const request = new Request(`${api.url}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } })
    const started = performance.now()
    const response = await api.app.fetch(request)
    const text = await response.text()
    const ms = performance.now() - started
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}`)
    if (call >= WARM_UP_CALLS) times.push(ms)
    if (call === 0) body = JSON.parse(text)
  }
  return { times, body }
}

await using bench = await startBench()
const api = startApi(bench.config, openLog("api", "silent"))
while (api.health.phase !== "ready") await Bun.sleep(10)
const token = await openClinic(api, bench.pool)
console.log(`| server ms, ${APPOINTMENTS_A_DAY} appointments today | median | p99 |\n|---|---|---|`)
for (const [path, list] of [
  ["/receptionists/stats", "appointments"],
  ["/receptionists/queue", "waiting"],
] as const) {
  const { times, body } = await measure(api, token, path)
  const rows = (body[list] as unknown[]).length
  say(`${path}: ${rows} ${list}`)
  console.log(`| \`GET ${path}\`, ${rows} ${list} | ${median(times).toFixed(2)} | ${percentile(times, 99).toFixed(2)} |`)
}
await api.stop()
