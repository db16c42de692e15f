/** The table that searches read follows the doctors, whoever writes them. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { cp, mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import postgres from "postgres"
import { type TestDatabase, testDatabase } from "../../../tests/harness/services.ts"
import { openPool, type Pool } from "../../db.ts"
import { migrate } from "../../migrations/migrate.ts"
import { placeOf } from "./places.ts"
import { searchDoctors } from "./search.ts"
import { bruteForce, doctorAt, fillWorld, insertClinic, placeNear, type TestDoctor } from "./test-world.ts"

const SQL = join(import.meta.dir, "..", "..", "..", "sql")
/** The one that makes the table. */
const MIGRATION = "0015_searchable_doctors.sql"
const VIENNA = { latitude: 48.2, longitude: 16.37 }

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
  await insertClinic(database.pool)
})
afterAll(() => database[Symbol.asyncDispose]())

const sampled = (count: number, seed: number): TestDoctor[] => fc.sample(doctorAt(placeNear(VIENNA, 3)), { numRuns: count, seed })

/** What is in one and not in the other: the table, and what the doctors would be in it. */
async function differences(pool: Pool): Promise<readonly unknown[]> {
  return await pool`
    with wanted as (select s.* from doctors d cross join lateral searchable(d) s)
    (select * from searchable_doctors except all select * from wanted) union all (select * from wanted except all select * from searchable_doctors)`
}

async function counts(pool: Pool): Promise<{ listed: number; active: number }> {
  const [row] = await pool<{ listed: number; active: number }[]>`
    select (select count(*) from searchable_doctors) as listed, (select count(*) from doctors where active) as active`
  return row as { listed: number; active: number }
}

test("holds exactly the active doctors after every kind of change: many at once, one, none that shows, an end, a beginning, an emptying", async () => {
  const { pool } = database
  await fillWorld(pool, sampled(300, 1))
  const changes = [
    () => pool`update doctors set active = not active where name_fold < 'l'`,
    () => pool`update doctors set name = name || '!', name_fold = name_fold || '!' where active`,
    () => pool`update doctors set consultation_fee = consultation_fee + 0.125, services = '{ECG,"a \\"b\\""}' where city_key = 'paris'`,
    () =>
      pool`update doctors set clinic_latitude = -clinic_latitude, clinic_longitude = 1.5e-7, h3_r8 = h3_r8 + 1 where specialization_key = 'cardiology'`,
    () => pool`update doctors set version = version + 1, updated_at = now(), bio = 'No search shows it.'`,
    () => pool`update doctors set id = gen_random_uuid() where city_key = 'new york'`,
    () => pool`delete from doctors where specialization_key = 'dermatology'`,
    () => pool`truncate doctors cascade`,
  ]
  for (const change of changes) {
    expect(await counts(pool)).toMatchObject({ listed: (await counts(pool)).active })
    await change()
    expect(await differences(pool)).toEqual([])
  }
  expect(await counts(pool)).toEqual({ listed: 0, active: 0 })
})

test("a change that is rolled back shows nowhere", async () => {
  const { pool } = database
  await fillWorld(pool, sampled(50, 2))
  const before = await counts(pool)
  const undone = pool.begin(async (tx) => {
    await tx`delete from doctors where active`
    throw new Error("undone")
  })
  expect(await undone.catch((error: Error) => error.message)).toBe("undone")
  expect(await counts(pool)).toEqual(before)
  expect(await differences(pool)).toEqual([])
})

test("a doctor's place in the table is the place that searches look for", async () => {
  const { pool } = database
  await fillWorld(pool, sampled(200, 3))
  const rows = await pool<
    { place: number; latitude: number; longitude: number }[]
  >`select place, latitude, longitude from searchable_doctors`
  expect(rows.length).toBeGreaterThan(0)
  for (const { place, latitude, longitude } of rows) expect(place).toBe(placeOf(latitude, longitude))
})

test("degrees are written as JavaScript writes them", async () => {
  const degrees = [0, 1, -1, 180, 48.2, -0.0001, 5.745266085542795e-5, 1e-6, 9.99e-7, -1.5e-7, 1e-9, 123.456789012345]
  for (const degree of degrees) {
    const [row] = await database.pool`select degree_json(${degree}::float8) as json`
    expect(row?.json).toBe(JSON.stringify(degree))
  }
})

test("the doctors of a database from before are found after the migration", async () => {
  const before = await mkdtemp(join(tmpdir(), "pulsecal-before-"))
  const admin = postgres(process.env.TEST_DATABASE_URL as string, { max: 1, onnotice: () => {} })
  const name = `test_${Bun.randomUUIDv7().replaceAll("-", "")}`
  await admin`create database ${admin(name)}`
  const owner = openPool(Object.assign(new URL(process.env.TEST_DATABASE_URL as string), { pathname: `/${name}` }).href, {
    max: 2,
    name: "test",
  })
  try {
    for (const file of await readdir(SQL)) if (file < MIGRATION) await cp(join(SQL, file), join(before, file))
    await migrate(owner, before)
    await insertClinic(owner)
    const doctors = sampled(400, 4)
    await fillWorld(owner, doctors)
    await owner`update doctors set version = 7 where city_key = 'paris'`
    expect((await migrate(owner, SQL))[0]).toBe(MIGRATION)
    expect(await differences(owner)).toEqual([])
    const q = { ...VIENNA, radius: 10, page: 1, limit: 100 }
    expect(await searchDoctors(owner, q)).toEqual(bruteForce(doctors, q))
  } finally {
    await owner.end()
    await admin`drop database ${admin(name)} with (force)`
    await admin.end()
    await rm(before, { recursive: true })
  }
}, 30_000)
