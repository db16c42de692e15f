import { expect, test } from "bun:test"
import { testDatabase, until } from "../tests/harness/services.ts"
import { isUnavailable, openPool, type Tx } from "./db.ts"

/** What transactions are in the middle of when they lose their connection. */
const MIDDLES: Record<string, (tx: Tx) => Promise<unknown>> = {
  "a query": (tx) => tx`select pg_sleep(5)`,
  "several queries": (tx) => Promise.all([tx`select pg_sleep(5)`, tx`select 1`, tx`select 2`]),
  "work between two queries": async (tx) => {
    await Promise.race([tx`select pg_sleep(5)`.catch(() => {}), Bun.sleep(60)])
    await tx`select 1`
  },
  "work after its last query": async (tx) => {
    await Promise.race([tx`select pg_sleep(5)`.catch(() => {}), Bun.sleep(60)])
    await Bun.sleep(20)
  },
  "a query whose failure is handled": async (tx) => {
    await tx`select pg_sleep(5)`.catch(() => {})
    throw new Error("handled")
  },
}

for (const [middle, run] of Object.entries(MIDDLES))
  test(`a transaction whose session is cut in ${middle} is refused, the process goes on, and so does the pool`, async () => {
    await using database = await testDatabase()
    const pool = openPool(database.url, { max: 1, name: "cut" })
    for (let round = 0; round < 5; round++) {
      const outcome = pool.begin(run).then(
        () => "committed",
        (error: unknown) => error,
      )
      await until("the session is cut in the middle of it", async () => {
        const cut = await database.pool`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name = 'pulsecal-cut' and query like '%pg_sleep%' and state = 'active'`
        return cut.length > 0
      })
      expect(isUnavailable(await outcome)).toBe(true)
      await until("the pool is well again", () => pool`select 1`.catch(() => undefined))
    }
    await pool.end({ timeout: 1 })
  })

test("a failure that is not the connection's rolls back and is thrown as it is, and what commits returns what it made", async () => {
  await using database = await testDatabase()
  const pool = openPool(database.ownerUrl, { max: 1, name: "cut" })
  await pool`create table notes (note text not null)`
  const failure = new Error("ours")
  const failing = pool.begin(async (tx) => {
    await tx`insert into notes values ('never')`
    throw failure
  })
  expect(await failing.catch((error) => error)).toBe(failure)
  const sync = pool.begin(() => {
    throw failure
  })
  expect(await sync.catch((error) => error)).toBe(failure)
  const rows = await pool.begin("isolation level repeatable read", (tx) => [
    tx`insert into notes values ('kept')`,
    tx`select note from notes`,
  ])
  expect(rows[1]).toEqual([{ note: "kept" }] as never)
  expect(await pool`select note from notes`).toEqual([{ note: "kept" }] as never)
  await pool.end({ timeout: 1 })
})
