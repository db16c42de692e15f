import { expect, test } from "bun:test"
import { TestLog } from "../../tests/harness/event-log.ts"
import { announce } from "../events/log.ts"
import { findLog } from "../events/queries.ts"
import { insertCursor, moveCursor } from "../work/queries.ts"
import { analyzeHotTables } from "./queries.ts"
import { deleteOld } from "./retain.ts"

const DAY_MS = 86_400_000
const DAYS = 30

/** Events 1 to `count`, those up to `old` from long ago, read by the worker up to `read`. */
async function logOf(log: TestLog, count: number, old: number, read: number): Promise<void> {
  const { publisher } = await log.publisher()
  await insertCursor(log.pool)
  const events = Array.from({ length: count }, () => ({
    name: "doctor:new" as const,
    data: { doctorId: Bun.randomUUIDv7(), city: "Zürich" },
    about: { city: "Zürich" },
  }))
  await announce(log.pool, ...events)
  await publisher.sweep()
  await log.pool`update events set occurred_at = now() - interval '31 days' where "offset" <= ${old}`
  await moveCursor(log.pool, 0, read)
}

const offsetsOf = async (log: TestLog, table: "events" | "room_events") =>
  (await log.pool<{ offset: number }[]>`select "offset" from ${log.pool(table)} order by "offset"`).map((row) => row.offset)

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

test("events older than they are kept go, with their places in the rooms' lists, and the log's floor says so", async () => {
  await using log = await TestLog.open()
  await logOf(log, 1_700, 1_650, 1_700)
  expect((await deleteOld(log.pool, DAYS, Date.now())).events).toBe(1_650)
  expect(await offsetsOf(log, "events")).toEqual(range(1_651, 1_700))
  expect(await offsetsOf(log, "room_events")).toEqual(range(1_651, 1_700))
  expect(await findLog(log.pool)).toMatchObject({ floor: 1_650, head: 1_700 })
  expect((await deleteOld(log.pool, DAYS, Date.now())).events).toBe(0)
})

test("what the worker has not read and what came after a young event stays, and a follower below the floor is told of the gap", async () => {
  await using log = await TestLog.open()
  await logOf(log, 20, 20, 12)
  await log.pool`update events set occurred_at = now() where "offset" = 9`
  expect((await deleteOld(log.pool, DAYS, Date.now())).events).toBe(8)
  expect(await offsetsOf(log, "events")).toEqual(range(9, 20))
  await log.pool`update events set occurred_at = now() - interval '31 days' where "offset" = 9`
  expect((await Promise.all([1, 2, 3].map(() => deleteOld(log.pool, DAYS, Date.now())))).reduce((n, d) => n + d.events, 0)).toBe(4)
  const follower = await log.follower(3)
  await follower.reaches(20)
  expect([follower.gaps, follower.seen.map((e) => e.offset)]).toEqual([[{ kind: "gap", from: 3, to: 12 }], range(13, 20)])
})

test("events that have no offset yet, and those of a log that no worker reads, are kept however old", async () => {
  await using log = await TestLog.open()
  await log.announce(3)
  await log.pool`update events set occurred_at = now() - interval '1 year'`
  expect((await deleteOld(log.pool, DAYS, Date.now())).events).toBe(0)
  const { publisher } = await log.publisher()
  await publisher.sweep()
  expect((await deleteOld(log.pool, DAYS, Date.now())).events).toBe(0)
})

test("idempotency keys are kept for a day", async () => {
  await using log = await TestLog.open()
  await log.pool`
    insert into idempotency_keys (caller, route, key, body_digest, answer, created_at)
    select 'someone', 'POST /', n, '', '', now() - n * interval '6 hours' from generate_series(1, 10) n`
  expect((await deleteOld(log.pool, DAYS, Date.now() + DAY_MS / 100)).keys).toBe(7)
  await analyzeHotTables(log.pool)
})
