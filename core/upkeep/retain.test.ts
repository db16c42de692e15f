import { expect, test } from "bun:test"
import { testDatabase } from "../../tests/harness/services.ts"
import { openPool } from "../db.ts"
import { analyzeHotTables } from "./queries.ts"
import { deleteOld } from "./retain.ts"

const DAY_MS = 86_400_000

test("idempotency keys are kept for a day, by the role of the processes, which may refresh the statistics too", async () => {
  await using database = await testDatabase()
  const run = openPool(database.url, { max: 1, name: "test" })
  await database.pool`
    insert into idempotency_keys (caller, route, key, body_digest, answer, created_at)
    select 'someone', 'POST /', n, '', '', now() - n * interval '6 hours' from generate_series(1, 10) n`
  expect(await deleteOld(run, Date.now() + DAY_MS / 100)).toEqual({ keys: 7, reminders: 0 })
  await analyzeHotTables(run)
  await run.end()
})
