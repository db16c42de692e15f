/**
 * `bun run bench:front-desk`: what the front desk's two screens cost the server, from request to answer without the network, at
 * clinics of ten doctors with 500 appointments today. The server remembers what has not changed of a day, so a day is also asked for
 * after changes, and for the first time.
 */
import { jsonOf } from "../../api/ready-json.ts"
import { type Api, startApi } from "../../api/server.ts"
import { mintDevelopmentToken } from "../../core/auth/development.ts"
import type { Receptionist } from "../../core/auth/principal.ts"
import { findPrincipal } from "../../core/auth/queries.ts"
import type { Pool } from "../../core/db.ts"
import { dayOf, startOfDay } from "../../core/doctors/schedule/zone.ts"
import { openLog } from "../../core/log.ts"
import { DayBook } from "../../core/receptionists/day-book.ts"
import { deskStats } from "../../core/receptionists/stats.ts"
import { clinicOf, doctorInput, person, receptionistOf } from "../../tests/harness/api.ts"
import { median, percentile, say, spread, startBench } from "./environment.ts"

const DOCTORS = 10
const APPOINTMENTS_A_DAY = 500
/** Days of history before today, as full as today is. */
const DAYS_BACK = 60
const PATIENTS = 5_000
/** The cases take turns, so that a disturbance hits all of them. */
const ROUNDS = 7
const WARM_UP_CALLS = 100
const CALLS = 200
const PROJECT = "demo-pulsecal"

const STATUSES = {
  100: ["WAITING", "CONFIRMED", "COMPLETED", "CANCELLED", "PENDING"],
  300: ["WAITING", "WAITING", "COMPLETED", "CANCELLED", "WAITING"],
}

const startOfToday = () =>
  startOfDay(Temporal.PlainDate.from(dayOf(Date.now(), doctorInput.timezone)), doctorInput.timezone).epochMilliseconds

type Clinic = { clinicId: string; token: string; desk: Receptionist }

/** A clinic with its history; today's appointments are in many states, so many of them waiting. With a receptionist's token. */
async function openClinic(api: Api, pool: Pool, waiting: keyof typeof STATUSES): Promise<Clinic> {
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
  const today = startOfToday()
  await pool`
    with d as (select id, row_number() over (order by id) - 1 as n from doctors where clinic_id = ${clinicId}),
    p as (select id, row_number() over (order by id) - 1 as n from patients where clinic_id = ${clinicId})
    insert into appointments (id, doctor_id, patient_id, during, status, reason)
    select gen_random_uuid(), d.id, p.id, tstzrange(start, start + interval '20 minutes'),
      case when day < 0 then 'COMPLETED'
        else (${STATUSES[waiting]}::text[])[1 + (slot % 5)] end, 'General checkup'
    from generate_series(${-DAYS_BACK}::int, 0) day
    cross join generate_series(0, ${APPOINTMENTS_A_DAY / DOCTORS - 1}::int) slot
    cross join d
    join p on p.n = ((day + ${DAYS_BACK}::int) * 7919 + d.n * 50 + slot) % ${PATIENTS}::int
    cross join lateral (select to_timestamp(${today / 1000}::float8) + make_interval(days => day, mins => slot * 25) as start) s`
  await pool`insert into clinic_queues (clinic_id) values (${clinicId}) on conflict do nothing`
  await pool`
    insert into queue_entries (appointment_id, clinic_id, doctor_id, checked_in_at, lapses_at)
    select a.id, ${clinicId}, a.doctor_id, now(), now() + interval '12 hours'
    from appointments a join doctors d on d.id = a.doctor_id where a.status = 'WAITING' and d.clinic_id = ${clinicId}`
  await pool`insert into doctor_paces (doctor_id, typical_ms) select id, 1_020_000 from doctors where clinic_id = ${clinicId}`
  await pool`vacuum analyze appointments, patients, doctors, queue_entries`
  const { uid } = await receptionistOf(people, clinicId)
  const desk = (await findPrincipal(pool, uid)) as Receptionist
  return { clinicId, desk, token: mintDevelopmentToken({ projectId: PROJECT, uid, expiresInSeconds: 3600 }) }
}

/** As the desk moves somebody: one entry changes, and the queue with it. */
async function reorder(pool: Pool, { clinicId }: Clinic): Promise<void> {
  await pool`
    with touched as (update clinic_queues set updated_at = clock_timestamp() where clinic_id = ${clinicId})
    update queue_entries set priority = 1 - priority
    where appointment_id = (select appointment_id from queue_entries where clinic_id = ${clinicId} order by random() limit 1)`
}

/** Changes so many of today's appointments, of all doctors. */
async function change(pool: Pool, { clinicId }: Clinic, count: number): Promise<void> {
  await pool`
    update appointments set version = version + 1, updated_at = clock_timestamp()
    where id in (
      select a.id from appointments a join doctors d on d.id = a.doctor_id
      where d.clinic_id = ${clinicId} and a.scheduled_at >= ${new Date(startOfToday())} order by random() limit ${count})`
}

type Case = { name: string; list: "appointments" | "waiting"; before?: () => Promise<void>; ask: () => Promise<string> }

/** Server ms of each call; what is done before a call is not counted. */
async function measure({ before, ask }: Case, calls: number): Promise<number[]> {
  const times: number[] = []
  for (let call = 0; call < calls; call++) {
    await before?.()
    const started = performance.now()
    await ask()
    times.push(performance.now() - started)
  }
  return times
}

await using bench = await startBench()
const { pool } = bench
const api = startApi(bench.config, openLog("api", "silent"))
while (api.health.phase !== "ready") await Bun.sleep(10)
const clinic = await openClinic(api, pool, 100)
const crowded = await openClinic(api, pool, 300)

const get =
  (path: string, { token }: Clinic) =>
  async () => {
    const response = await api.app.fetch(new Request(`${api.url}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } }))
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}`)
    return await response.text()
  }
const stats = { list: "appointments", ask: get("/receptionists/stats", clinic) } as const
const firstTime = async () => {
  const { appointments, ...counts } = await deskStats(pool, new DayBook(), clinic.desk, Date.now())
  return jsonOf({ object: counts, lists: { appointments: appointments.map(({ text }) => text) } })
}
const cases: Case[] = [
  { ...stats, name: "`GET /receptionists/stats`, nothing changed" },
  { ...stats, name: "… after each change of an appointment", before: () => change(pool, clinic, 1) },
  { ...stats, name: "… after 50 changes each time", before: () => change(pool, clinic, 50) },
  { ...stats, name: "… the first time of the day in a process, the request left out", ask: firstTime },
  { name: "`GET /receptionists/queue`", list: "waiting", ask: get("/receptionists/queue", clinic) },
  { name: "`GET /receptionists/queue`", list: "waiting", ask: get("/receptionists/queue", crowded) },
  {
    name: "… after each change of the queue",
    list: "waiting",
    before: () => reorder(pool, crowded),
    ask: get("/receptionists/queue", crowded),
  },
]
const rounds = cases.map(() => ({ medians: [] as number[], all: [] as number[] }))
for (const each of cases) await measure(each, WARM_UP_CALLS)
for (let round = 0; round < ROUNDS; round++) {
  say(`round ${round + 1} of ${ROUNDS}`)
  for (const [n, each] of cases.entries()) {
    const times = await measure(each, CALLS)
    rounds[n]?.medians.push(median(times))
    rounds[n]?.all.push(...times)
  }
}
console.log(`| server ms, ${APPOINTMENTS_A_DAY} appointments today | median (min–max of ${ROUNDS} rounds) | p99 |\n|---|---|---|`)
for (const [n, { name, list, ask }] of cases.entries()) {
  const { medians = [], all = [] } = rounds[n] ?? {}
  const rows = (JSON.parse(await ask())[list] as unknown[]).length
  console.log(`| ${name}: ${rows} ${list} | ${spread(medians, (ms) => ms.toFixed(2))} | ${percentile(all, 99).toFixed(2)} |`)
}
await api.stop()
