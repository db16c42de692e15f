/** Whom the processes may log in as and act as. */
import { expect, test } from "bun:test"
import { join } from "node:path"
import { migrateDatabase } from "../../scripts/services/migration.ts"
import { hostedDatabase } from "../../tests/harness/services.ts"
import { openPool } from "../db.ts"
import { announce } from "../events/log.ts"
import { asAppRole } from "./run-role.ts"

const SQL = join(import.meta.dir, "..", "..", "sql")

test("an owner who is no superuser, alone, migrates and serves in production with its powers put down", async () => {
  await using hosted = await hostedDatabase()
  const { owner, ownerUrl } = hosted
  for (const _ of ["the first time", "a second time"]) await migrateDatabase(ownerUrl, asAppRole(ownerUrl), SQL)
  const restricted = openPool(asAppRole(ownerUrl), { max: 1, name: "test" })
  try {
    expect(await restricted`select current_user as acting, session_user as login`).toMatchObject([{ acting: "pulsecal_app", login: owner }])
    await announce(restricted, { name: "access:changed", data: { uid: "x" }, about: { uid: "x" } })
    await expect(restricted`delete from events`.execute()).rejects.toThrow("permission denied")
  } finally {
    await restricted.end()
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
