import { expect, test } from "bun:test"
import { join } from "node:path"
import { findPrincipal } from "../../core/auth/queries.ts"
import type { Pool } from "../../core/db.ts"
import { findSchedule } from "../../core/doctors/schedule/queries.ts"
import { slotAt } from "../../core/doctors/schedule/slots.ts"
import { cellsOf } from "../../core/doctors/search/cells.ts"
import { caseKey, fold } from "../../core/text.ts"
import { testDatabase, until } from "../../tests/harness/services.ts"
import { findDemoPeople, SeedError, seedDemo } from "./seed.ts"

const FEW = 300
/** Enough that indexes are made anew. */
const MANY = 20_000
const NOW = new Date("2026-03-10T15:10:00Z")
const TABLES = ["accounts", "clinics", "doctors", "receptionists", "patients", "appointments"]

async function digest(pool: Pool, table: string): Promise<string> {
  const rows = await pool<{ digest: string }[]>`
    select md5(string_agg(row, '' order by row)) as digest from (select (to_jsonb(t) - 'changed_in')::text as row from ${pool(table)} t) rows`
  return rows[0]?.digest ?? ""
}

/** Everything about the tables but their rows. */
async function shape(pool: Pool): Promise<unknown> {
  const indexes = await pool`select indexname, indexdef from pg_indexes where schemaname = 'public' order by 1`
  const constraints =
    await pool`select conname, pg_get_constraintdef(oid), convalidated from pg_constraint where connamespace = 'public'::regnamespace order by 1`
  return [[...indexes], [...constraints]]
}

const count = async (pool: Pool, table: string) => (await pool<{ n: number }[]>`select count(*) as n from ${pool(table)}`)[0]?.n

test("two loads of one seed at one moment give equal tables, and another seed other doctors", async () => {
  await using a = await testDatabase()
  await using b = await testDatabase()
  await using c = await testDatabase()
  await seedDemo(a.pool, { doctors: FEW, seed: 5, now: NOW })
  await seedDemo(b.pool, { doctors: FEW, seed: 5, now: NOW })
  await seedDemo(c.pool, { doctors: FEW, seed: 6, now: NOW })
  for (const table of TABLES) expect(await digest(b.pool, table)).toBe(await digest(a.pool, table))
  expect(await digest(c.pool, "doctors")).not.toBe(await digest(a.pool, "doctors"))
})

test("columns that follow from others are what the application would have written", async () => {
  await using db = await testDatabase()
  await seedDemo(db.pool, { doctors: FEW })
  const rows = await db.pool`
    select d.*, h3_r4::text as r4, h3_r6::text as r6, h3_r8::text as r8, c.name as of_clinic, c.city_key as of_city, c.timezone as of_zone,
      c.latitude, c.longitude, c.verification_code
    from doctors d join clinics c on c.id = d.clinic_id`
  expect(rows.length).toBe(FEW)
  for (const row of rows) {
    expect([row.name_fold, row.clinic_name_fold]).toEqual([fold(row.name), fold(row.clinic_name)])
    expect([row.city_key, row.specialization_key]).toEqual([caseKey(row.city), caseKey(row.specialization)])
    expect({ h3R4: row.r4, h3R6: row.r6, h3R8: row.r8 }).toEqual(cellsOf(row.clinic_latitude, row.clinic_longitude))
    expect([row.of_clinic, row.of_city, row.of_zone]).toEqual([row.clinic_name, row.city_key, row.timezone])
    expect([row.latitude, row.longitude]).toEqual([row.clinic_latitude, row.clinic_longitude])
    expect(row.verification_code).toMatch(/^[0-9A-HJKMNP-TV-Z]{10}$/)
  }
})

test("the demo people exist, work together and live near each other", async () => {
  await using db = await testDatabase()
  expect(await findDemoPeople(db.pool)).toBeUndefined()
  const people = await seedDemo(db.pool, { doctors: 1 })
  expect(await findDemoPeople(db.pool)).toEqual(people)
  const { clinicId } = people.receptionist
  expect(await findPrincipal(db.pool, people.doctor.uid)).toMatchObject({ role: "DOCTOR", doctorId: people.doctor.doctorId, clinicId })
  expect(await findPrincipal(db.pool, people.receptionist.uid)).toMatchObject({ role: "RECEPTIONIST", clinicId, status: "ACTIVE" })
  expect(await findPrincipal(db.pool, people.patient.uid)).toMatchObject({ role: "PATIENT", city: "New York" })
  const [near] = await db.pool`
    select d.city, abs(p.latitude - d.clinic_latitude) < 0.01 and abs(p.longitude - d.clinic_longitude) < 0.01 as close
    from patients p, doctors d where p.uid = ${people.patient.uid} and d.uid = ${people.doctor.uid}`
  expect(near).toEqual({ city: "New York", close: true })
})

test("the demo doctor's appointments are real slots: past ones over, coming ones confirmed or pending, some still free", async () => {
  await using db = await testDatabase()
  const { doctor, patient } = await seedDemo(db.pool, { doctors: 1, now: NOW })
  const schedule = await findSchedule(db.pool, doctor.doctorId)
  if (!schedule) throw new Error("no demo doctor")
  const rows = await db.pool<{ at: Date; end: Date; status: string; uid: string | null }[]>`
    select scheduled_at as at, ends_at as end, status, p.uid from appointments a join patients p on p.id = a.patient_id`
  expect(rows.length).toBeGreaterThan(100)
  for (const { at, end, status } of rows) {
    expect(slotAt(schedule, at.getTime())).toEqual({ start: at.getTime(), end: end.getTime() })
    if (at > NOW) expect(["CONFIRMED", "PENDING"]).toContain(status)
    else expect(["COMPLETED", "CANCELLED", "NO_SHOW"]).toContain(status)
  }
  const own = rows.filter(({ uid }) => uid === patient.uid).map(({ status }) => status)
  expect(own.sort()).toEqual(["COMPLETED", "CONFIRMED"])
})

test("a database that has doctors is left as it is, and one that has an account of the demo's is refused", async () => {
  await using db = await testDatabase()
  const people = await seedDemo(db.pool, { doctors: 20 })
  const said: string[] = []
  expect(await seedDemo(db.pool, { doctors: 50, seed: 9, say: (sentence) => said.push(sentence) })).toEqual(people)
  expect(said).toEqual(["The database has doctors already: nothing was loaded."])
  expect(await count(db.pool, "doctors")).toBe(20)
  await using other = await testDatabase()
  await other.pool`insert into accounts (uid, role) values ('demo-patient', 'PATIENT')`
  await expect(seedDemo(other.pool, { doctors: 20 })).rejects.toThrow(SeedError)
  expect(await count(other.pool, "clinics")).toBe(0)
})

test("two loads at once make one demo", async () => {
  await using db = await testDatabase()
  const [a, b] = await Promise.all([seedDemo(db.pool, { doctors: 40 }), seedDemo(db.pool, { doctors: 40 })])
  expect(b).toEqual(a)
  expect(await count(db.pool, "doctors")).toBe(40)
})

test("a large load leaves every index and constraint as the migrations made it, and pages that index-only scans can trust", async () => {
  await using db = await testDatabase()
  const before = await shape(db.pool)
  await seedDemo(db.pool, { doctors: MANY })
  expect(await shape(db.pool)).toEqual(before)
  expect(await count(db.pool, "doctors")).toBe(MANY)
  // A table that is copied into grows by many pages at once; those at its end that are still empty do not count.
  const [pages] = await db.pool`
    select relallvisible = (select count(distinct (ctid::text::point)[0]) from doctors) as visible, reltuples as rows
    from pg_class where relname = 'doctors'`
  expect(pages).toEqual({ visible: true, rows: MANY })
})

test("a row that the database refuses ends the load with the reason, and leaves nothing", async () => {
  await using db = await testDatabase()
  await db.pool`alter table doctors add constraint no_long_visits check (slot_minutes <> 45)`
  for (const doctors of [FEW, MANY]) await expect(seedDemo(db.pool, { doctors })).rejects.toThrow("no_long_visits")
  for (const table of TABLES) expect(await count(db.pool, table)).toBe(0)
})

test("a load that is killed in the middle leaves nothing half, and the next one succeeds", async () => {
  await using db = await testDatabase()
  const before = await shape(db.pool)
  const command = [process.execPath, join(import.meta.dir, "../seed.ts"), "--doctors", "100000"]
  const child = Bun.spawn(command, { env: { ...process.env, DATABASE_URL: db.ownerUrl }, stdout: "ignore", stderr: "inherit" })
  const loading = () => db.pool`
    select from pg_stat_activity where datname = current_database() and application_name = 'pulsecal-seed'`
  const rows = () =>
    db.pool`select from pg_stat_progress_copy where datname = current_database() and tuples_processed > 2000 and relid = 'doctors'::regclass`
  await until("rows are being copied", async () => (await rows()).length > 0, 10_000)
  child.kill("SIGKILL")
  await child.exited
  await until("the server has noticed", async () => (await loading()).length === 0)
  for (const table of TABLES) expect(await count(db.pool, table)).toBe(0)
  expect(await shape(db.pool)).toEqual(before)
  await seedDemo(db.pool, { doctors: 10 })
  expect(await count(db.pool, "doctors")).toBe(10)
})
