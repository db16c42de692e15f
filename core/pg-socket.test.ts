import { expect, test } from "bun:test"
import { freePort, type TestDatabase, testDatabase } from "../tests/harness/services.ts"
import { isUnavailable, openPool } from "./db.ts"

async function cutSessions(database: TestDatabase): Promise<void> {
  await database.pool`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'pulsecal-broken'`
}

test("a connection that the server cuts at any moment answers every query, those sent in that moment too, and is made again", async () => {
  await using database = await testDatabase()
  const pool = openPool(database.url, { max: 1, name: "broken" })
  const outcomes = { answered: 0, refused: 0 }
  const ask = async () => {
    try {
      await pool`select pg_sleep(0.0005)`
      outcomes.answered++
    } catch (error) {
      expect(isUnavailable(error)).toBe(true)
      outcomes.refused++
      // What a caller does that gives something back after a failure: at once, on the same pool.
      await pool`select 1`.catch((again) => expect(isUnavailable(again)).toBe(true))
    }
  }
  for (let round = 0; round < 15; round++) {
    const cut = Bun.sleep(Math.random() * 3).then(() => cutSessions(database))
    await Promise.all([ask(), ask(), ask(), ask(), cut])
  }
  // Idle when it is cut, and asked for something just then.
  for (let round = 0; round < 15; round++) {
    await ask()
    await Promise.all([cutSessions(database).then(ask), Bun.sleep(round / 20).then(ask), Bun.sleep(round / 20).then(ask)])
  }
  expect(outcomes.answered + outcomes.refused).toBe(120)
  expect(outcomes.refused).toBeGreaterThan(0)
  expect(await pool`select 1 as one`).toEqual([{ one: 1 }] as never)
  await pool.end({ timeout: 1 })
}, 20_000)

test("a server that is not there is told at once, with the reason", async () => {
  const pool = openPool(`postgres://nobody@127.0.0.1:${await freePort()}/none`, { max: 1, name: "absent" })
  const started = performance.now()
  const error = await pool`select 1`.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({ code: "ECONNREFUSED" })
  expect(performance.now() - started).toBeLessThan(1_000)
  await pool.end({ timeout: 1 })
})
