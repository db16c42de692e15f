import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import postgres from "postgres"
import { testDatabase } from "../../tests/harness/services.ts"
import { openPool, type Pool } from "../db.ts"
import { isMigrated, MigrationError, migrate } from "./migrate.ts"

const SCRIPT = join(import.meta.dir, "..", "..", "scripts", "migrate.ts")
const SQL = join(import.meta.dir, "..", "..", "sql")

let folder: string
let admin: postgres.Sql

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulsecal-migrations-"))
  admin = postgres(process.env.TEST_DATABASE_URL as string, { max: 1, onnotice: () => {} })
})
afterAll(async () => {
  await admin.end()
  await rm(folder, { recursive: true })
})

/** A database without a single table. */
async function emptyDatabase(): Promise<AsyncDisposable & { pool: Pool; url: string }> {
  const name = `test_${Bun.randomUUIDv7().replaceAll("-", "")}`
  await admin`create database ${admin(name)}`
  const url = Object.assign(new URL(process.env.TEST_DATABASE_URL as string), { pathname: `/${name}` }).href
  const pool = openPool(url, { max: 4, name: "test" })
  return {
    pool,
    url,
    async [Symbol.asyncDispose]() {
      await pool.end({ timeout: 1 })
      await admin`drop database ${admin(name)} with (force)`
    },
  }
}

async function migrations(files: Record<string, string>): Promise<string> {
  const sql = join(folder, Bun.randomUUIDv7())
  await mkdir(sql)
  for (const [name, text] of Object.entries(files)) await writeFile(join(sql, name), text)
  return sql
}

const FIRST = { "0001_first.sql": "create table first (id int)" }
const SECOND = { "0002_second.sql": "insert into first values (1), (2)" }

async function refusal(pool: Pool, sql: string): Promise<string> {
  const error = await migrate(pool, sql).catch((e: unknown) => e)
  expect(error).toBeInstanceOf(MigrationError)
  return (error as Error).message
}

test("migrations are applied in order, and a second run applies nothing", async () => {
  await using database = await emptyDatabase()
  const sql = await migrations({ ...SECOND, ...FIRST })
  expect(await isMigrated(database.pool, sql)).toBe(false)
  expect(await migrate(database.pool, sql)).toEqual(["0001_first.sql", "0002_second.sql"])
  expect(await migrate(database.pool, sql)).toEqual([])
  expect(await isMigrated(database.pool, sql)).toBe(true)
  const later = await migrations({ ...FIRST, ...SECOND, "0003_third.sql": "insert into first values (3)" })
  expect(await migrate(database.pool, later)).toEqual(["0003_third.sql"])
  expect(await database.pool`select id from first order by id`).toHaveLength(3)
})

test("of eight callers at once each migration is applied by exactly one", async () => {
  await using database = await emptyDatabase()
  const sql = await migrations({ ...FIRST, ...SECOND, "0003_slow.sql": "select pg_sleep(0.05)" })
  const pools = Array.from({ length: 8 }, () => openPool(database.url, { max: 1, name: "rival" }))
  const applied = await Promise.all(pools.map((pool) => migrate(pool, sql)))
  expect(applied.flat().sort()).toEqual(["0001_first.sql", "0002_second.sql", "0003_slow.sql"])
  expect(await database.pool`select id from first`).toHaveLength(2)
  await Promise.all(pools.map((pool) => pool.end({ timeout: 1 })))
})

test("two processes that start at once bring a new database up to date together, applying each migration once", async () => {
  await using database = await emptyDatabase()
  const start = () =>
    Bun.spawn([process.execPath, SCRIPT], { env: { ...process.env, DATABASE_URL: database.url }, stdout: "pipe", stderr: "inherit" })
  const processes = [start(), start()]
  const outputs = await Promise.all(processes.map((p) => p.stdout.text()))
  expect(await Promise.all(processes.map((p) => p.exited))).toEqual([0, 0])
  expect(outputs.join("").match(/0001_init\.sql/g)).toHaveLength(1)
  expect(await isMigrated(database.pool, SQL)).toBe(true)
})

test("an edited migration is refused by its name", async () => {
  await using database = await emptyDatabase()
  await migrate(database.pool, await migrations({ ...FIRST, ...SECOND }))
  const edited = await migrations({
    "0001_first.sql": "create table first (id bigint)",
    ...SECOND,
    "0003_third.sql": "create table third (id int)",
  })
  expect(await refusal(database.pool, edited)).toContain("0001_first.sql was edited")
  const [third] = await database.pool`select to_regclass('third') as found`
  expect(third?.found).toBeNull()
})

test("a migration that was applied and is gone is refused by its name", async () => {
  await using database = await emptyDatabase()
  await migrate(database.pool, await migrations({ ...FIRST, ...SECOND }))
  expect(await refusal(database.pool, await migrations(SECOND))).toContain("0001_first.sql")
  expect(await refusal(database.pool, await migrations(FIRST))).toContain("0002_second.sql")
})

test("a migration numbered before one that is applied is refused by its name", async () => {
  await using database = await emptyDatabase()
  await migrate(database.pool, await migrations({ ...FIRST, ...SECOND }))
  const slipped = await migrations({ ...FIRST, "0001_later.sql": "select 1", ...SECOND })
  expect(await refusal(database.pool, slipped)).toContain("0001_later.sql")
})

test("a migration that fails leaves nothing of itself, and what came before it stays", async () => {
  await using database = await emptyDatabase()
  const broken = "create table half (id int); insert into half values (1); select 1 / 0"
  const error = await migrate(database.pool, await migrations({ ...FIRST, "0002_broken.sql": broken })).catch((e: unknown) => e)
  expect((error as Error).message).toContain("division by zero")
  const [row] = await database.pool`select to_regclass('half') as half, to_regclass('first') as first`
  expect(row).toEqual({ half: null, first: "first" })
  expect(await database.pool`select name from migrations`).toEqual([{ name: "0001_first.sql" }] as never)
  expect(await migrate(database.pool, await migrations({ ...FIRST, ...SECOND }))).toEqual(["0002_second.sql"])
})

test("`migrate` without a database, or one that does not answer, says so in one sentence without the password", async () => {
  for (const [url, sentence] of [
    ["", "DATABASE_URL: is required"],
    ["postgres://me:secret@127.0.0.1:1/none", "PostgreSQL at 127.0.0.1:1 (DATABASE_URL) does not answer"],
  ] as const) {
    const child = Bun.spawn([process.execPath, SCRIPT], { env: { ...process.env, DATABASE_URL: url }, stdout: "pipe", stderr: "pipe" })
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
    expect({ out, code, lines: err.trim().split("\n").length }).toEqual({ out: "", code: 1, lines: 1 })
    expect(err).toContain(sentence)
    expect(err).not.toContain("secret")
  }
})

test("`migrate` writes down how long the audit is kept, and whoever runs it without saying so changes nothing of that", async () => {
  await using database = await testDatabase()
  const run = async (days: string) => {
    const env = { ...process.env, DATABASE_URL: database.url, MIGRATE_DATABASE_URL: database.ownerUrl, AUDIT_RETENTION_DAYS: days }
    const child = Bun.spawn([process.execPath, SCRIPT], { env, stdout: "ignore", stderr: "pipe" })
    const [err, code] = await Promise.all([child.stderr.text(), child.exited])
    const [kept] = await database.pool`select days from audit_retention`
    return [code, err.trim(), kept?.days]
  }
  expect(await run("")).toEqual([0, "", 2_192])
  expect(await run("3000")).toEqual([0, "", 3_000])
  expect(await run("")).toEqual([0, "", 3_000])
  expect(await run("365")).toEqual([1, "AUDIT_RETENTION_DAYS: must be a whole number from 366 to 36500", 3_000])
  expect(await run("366")).toEqual([0, "", 366])
})
