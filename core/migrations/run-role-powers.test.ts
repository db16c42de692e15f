/** Whom the processes may log in as and act as. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { migrateDatabase } from "../../scripts/services/migration.ts"
import { hostedDatabase, type TestDatabase, testDatabase } from "../../tests/harness/services.ts"
import { type Config, readConfig } from "../config.ts"
import { openPool, type Pool } from "../db.ts"
import { announce } from "../events/log.ts"
import { openLog } from "../log.ts"
import { asAppRole, ensureRunRole, requireOrdinaryOwner, requireRestrictedRole } from "./run-role.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const DEVELOPMENT: Config = readConfig({ DATABASE_URL: "postgres://unused/unused", REDIS_HOST: "unused" })
const PRODUCTION = { ...DEVELOPMENT, env: "production" as const }

/** The warnings about this session's roles; rejects where they are refused. */
async function told(pool: Pool, config = DEVELOPMENT): Promise<string[]> {
  const warned: string[] = []
  const log = Object.assign(Object.create(openLog("test", "silent")), { warn: (line: string) => warned.push(line) })
  await requireRestrictedRole(pool, config, log, new AbortController().signal)
  return warned
}

test("a role that could undo the audit is told of, and refused in production; the restricted one is neither", async () => {
  const [line] = await told(database.pool)
  expect(line).toStartWith("DATABASE_URL: its role postgres is a superuser")
  await expect(told(database.pool, PRODUCTION)).rejects.toThrow(line as string)

  const role = `run_${Bun.randomUUIDv7().slice(-12)}`
  const url = Object.assign(new URL(database.url), { username: role, password: "secret" }).href
  await ensureRunRole(database.pool, url)
  const pool = openPool(url, { max: 1, name: "test" })
  try {
    expect(await told(pool)).toEqual([])
    for (const [given, taken, what] of [
      [`grant update on audit_log to ${role}`, `revoke update on audit_log from ${role}`, "may change the audit log"],
      [`grant pg_write_all_data to ${role}`, `revoke pg_write_all_data from ${role}`, "may change the audit log"],
      [`grant postgres to ${role}`, `revoke postgres from ${role}`, "may become the superuser postgres"],
    ] as const) {
      await database.pool.unsafe(given)
      expect((await told(pool))[0]).toStartWith(`DATABASE_URL: its role ${role} ${what}`)
      await expect(told(pool, PRODUCTION)).rejects.toThrow(what)
      await database.pool.unsafe(taken)
    }
    expect(await told(pool)).toEqual([])
    expect(await told(pool, PRODUCTION)).toEqual([])
  } finally {
    await pool.end()
    await database.pool.unsafe(`drop role ${role}`)
  }
})

test("a login that is a superuser, or may become one, is refused in production although the session has put that down", async () => {
  const role = `run_${Bun.randomUUIDv7().slice(-12)}`
  const member = Object.assign(new URL(database.url), { username: role, password: "secret" }).href
  await ensureRunRole(database.pool, member)
  await database.pool.unsafe(`grant postgres to ${role}`)
  try {
    for (const [url, what] of [
      [database.ownerUrl, "postgres is a superuser"],
      [member, `${role} may become the superuser postgres`],
    ] as const) {
      const [full, restricted] = [url, asAppRole(url)].map((as) => openPool(as, { max: 1, name: "test" })) as [Pool, Pool]
      try {
        const [line] = await told(restricted)
        expect(line).toStartWith(`DATABASE_URL: its login ${what}`)
        for (const refusal of [told(restricted, PRODUCTION), requireOrdinaryOwner(full, PRODUCTION)])
          expect(await refusal.catch(({ name, message }) => [name, message])).toEqual(["ConfigError", line])
        await requireOrdinaryOwner(full, DEVELOPMENT)
      } finally {
        await Promise.all([full.end(), restricted.end()])
      }
    }
  } finally {
    await database.pool.unsafe(`drop role ${role}`)
  }
})

const SQL = join(import.meta.dir, "..", "..", "sql")

test("an owner who is no superuser, alone, migrates and serves in production with its powers put down, and is told of", async () => {
  await using hosted = await hostedDatabase()
  const { owner, ownerUrl } = hosted
  for (const _ of ["the first time", "a second time"]) await migrateDatabase(ownerUrl, asAppRole(ownerUrl), SQL)
  const [full, restricted] = [ownerUrl, asAppRole(ownerUrl)].map((url) => openPool(url, { max: 1, name: "test" })) as [Pool, Pool]
  try {
    await requireOrdinaryOwner(full, PRODUCTION)
    await expect(told(full, PRODUCTION)).rejects.toThrow(`DATABASE_URL: its role ${owner} owns the tables`)
    expect(await told(restricted, PRODUCTION)).toEqual([expect.stringContaining(`DATABASE_URL: its login ${owner} owns the tables`)])
    await announce(restricted, { name: "access:changed", data: { uid: "x" }, about: { uid: "x" } })
    await expect(restricted`delete from events`.execute()).rejects.toThrow("permission denied")
  } finally {
    await Promise.all([full.end(), restricted.end()])
  }
}, 60_000)

test("an owner who may not act as pulsecal_app, and has nobody else to log in as, is told which grant is missing", async () => {
  await using hosted = await hostedDatabase()
  const { owner, ownerUrl } = hosted
  await hosted.pool.unsafe(`revoke pulsecal_app from ${owner}`)
  const attempt = await migrateDatabase(ownerUrl, asAppRole(ownerUrl), SQL).catch((error) => error)
  expect([attempt.name, attempt.message]).toEqual(["ConfigError", expect.stringContaining(`"grant pulsecal_app to ${owner}"`)])
  await hosted.pool.unsafe(`grant pulsecal_app to ${owner}`)
  expect(await migrateDatabase(ownerUrl, asAppRole(ownerUrl), SQL)).toEqual([])
}, 60_000)
