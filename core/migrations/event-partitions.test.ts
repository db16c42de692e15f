import { afterAll, beforeAll, expect, test } from "bun:test"
import { cp, mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import postgres from "postgres"
import { openRedis } from "../../core/redis.ts"
import { runUrlOf } from "../../scripts/services/migration.ts"
import { testRedis, until } from "../../tests/harness/services.ts"
import { openPool, type Pool } from "../db.ts"
import { announce } from "../events/log.ts"
import { Publisher, streamKey } from "../events/publisher.ts"
import { findLog, listEvents, listRoomEvents } from "../events/queries.ts"
import { openLog } from "../log.ts"
import { dropOldEvents, readyPartitions } from "../upkeep/event-partitions.ts"
import { age, endPartition, offsetsOf, partitionsOf, range } from "../upkeep/test-partitions.ts"
import { migrate } from "./migrate.ts"
import { ensureRunRole } from "./run-role.ts"

const SQL = join(import.meta.dir, "..", "..", "sql")
/** The first that has the log in partitions. */
const MIGRATION = "0010_event_partitions.sql"

let before: string
let admin: postgres.Sql
beforeAll(async () => {
  before = await mkdtemp(join(tmpdir(), "pulsecal-before-"))
  for (const file of await readdir(SQL)) if (file < MIGRATION) await cp(join(SQL, file), join(before, file))
  admin = postgres(process.env.TEST_DATABASE_URL as string, { max: 1, onnotice: () => {} })
})
afterAll(async () => {
  await admin.end()
  await rm(before, { recursive: true })
})

/** A database as it was before, with `fill` in it, and then migrated. */
async function migrated(fill: (owner: Pool) => Promise<unknown>): Promise<AsyncDisposable & { owner: Pool; run: Pool }> {
  const name = `test_${Bun.randomUUIDv7().replaceAll("-", "")}`
  await admin`create database ${admin(name)}`
  const url = Object.assign(new URL(process.env.TEST_DATABASE_URL as string), { pathname: `/${name}` }).href
  const owner = openPool(url, { max: 4, name: "test" })
  await migrate(owner, before)
  await fill(owner)
  expect((await migrate(owner, SQL))[0]).toBe(MIGRATION)
  const runUrl = runUrlOf(url, "pulsecal_test")
  await ensureRunRole(owner, runUrl)
  const run = openPool(runUrl, { max: 1, name: "test" })
  return {
    owner,
    run,
    async [Symbol.asyncDispose]() {
      await Promise.all([owner, run].map((pool) => pool.end({ timeout: 1 })))
      await admin`drop database ${admin(name)} with (force)`
    },
  }
}

/** Events with numbers up to `count`, of which one in ten rolled back and one is not published. Offsets up to `floor` are no longer kept. */
async function oldLog(owner: Pool, count: number, floor: number): Promise<void> {
  await owner`
    insert into events (id, name, subject, rooms, data, occurred_at)
    select gen_random_uuid(), 'doctor:new', 'doctor:' || n, array['city:' || n % 3], jsonb_build_object('n', n), now() - interval '40 days' + n * interval '1 minute'
    from generate_series(1, ${count}::int) n`
  await owner`delete from events where seq % 10 = 3`
  await owner`
    update events e set "offset" = n.n from (select seq, row_number() over (order by seq) as n from events where seq % 10 <> 7) n where n.seq = e.seq`
  await owner`insert into room_events select room, "offset" from events cross join unnest(rooms) room where "offset" is not null`
  await owner`update event_log set floor = ${floor}, head = (select max("offset") from events)`
  await owner`delete from room_events where "offset" <= ${floor}`
  await owner`delete from events where "offset" <= ${floor}`
  await owner`insert into work_cursor values (true, (select head from event_log))`
}

const rowsOf = (owner: Pool) =>
  owner`select seq, id, name, subject, rooms, data, extract(epoch from occurred_at)::text as at, "offset" from events order by seq`

test("a log with published and waiting events keeps every row, number, offset, list and cursor, and numbers go on", async () => {
  const all = async (owner: Pool) => ({
    rows: [...(await rowsOf(owner))],
    lists: [...(await owner`select * from room_events order by room, "offset"`)],
    log: await findLog(owner),
    cursor: [...(await owner`select * from work_cursor`)],
  })
  const was: Awaited<ReturnType<typeof all>>[] = []
  await using database = await migrated(async (owner) => {
    await oldLog(owner, 1_000, 100)
    was.push(await all(owner))
  })
  const { owner, run } = database
  expect([await all(owner)]).toEqual(was)
  expect(was[0]?.rows.filter((r) => r.offset === null)).toHaveLength(100)
  expect((await partitionsOf(owner)).slice(0, 2)).toEqual(["events_from_101 [101, 801)", "events_from_801 [801, MAXVALUE)"])
  expect(
    [...(await owner`select tableoid::regclass::text as part, count(*) as rows from events group by 1 order by 1`)].map((r) => ({ ...r })),
  ).toEqual([
    { part: "events_from_101", rows: 700 },
    { part: "events_waiting", rows: 100 },
  ])
  await announce(run, { name: "access:changed", data: { uid: "x" }, about: { uid: "x" } })
  const [next] = await owner`select max(seq) as seq from events`
  expect(next?.seq).toBe(1_001)
})

test("what waited is then published in its order, read by everybody, and in time dropped with the rest; the first gap stays told", async () => {
  await using database = await migrated((owner) => oldLog(owner, 1_000, 100))
  const { owner, run } = database
  await using server = await testRedis()
  const redis = openRedis(server.config, { name: "test" })
  await until("Redis is connected", () => redis.status === "ready")
  const publisher = new Publisher({ session: run, redis, log: openLog("test", "silent"), streamMaxEvents: 10_000 })
  await publisher.sweep()
  expect(await offsetsOf(owner, "events")).toEqual(range(101, 900))
  const late = await listEvents(owner, 800, 900, 500)
  expect(late.map((e) => e.data.n as number)).toEqual(range(0, 99).map((n) => n * 10 + 7))
  const heard = await listRoomEvents(owner, ["city:1"], 100, 900, 1_000)
  expect(heard.map((e) => e.offset)).toEqual(heard.map((e) => e.offset).sort((a, b) => a - b))
  const [listed] = await owner`select count(*) as events from events where 'city:1' = any(rooms)`
  expect(heard).toHaveLength(Number(listed?.events))
  const entries = await redis.xrange(streamKey((await findLog(owner)).id), "-", "+")
  expect(entries.map(([id]) => id)).toEqual(range(101, 900).map((offset) => `${offset}-0`))

  expect(await dropOldEvents(run, 30, Date.now())).toEqual({ rows: 0, inUse: false })
  expect(await readyPartitions(run, 30)).toBe(true)
  await endPartition(owner, run)
  await age(owner, 31)
  await owner`update work_cursor set "offset" = 900`
  expect(await dropOldEvents(run, 30, Date.now())).toEqual({ rows: 800, inUse: false })
  expect(await findLog(owner)).toMatchObject({ floor: 900, head: 900 })
  await publisher.close()
  redis.disconnect()
})

test("a log of which nothing was published, or nothing is kept, becomes one without any partition but the newest", async () => {
  for (const [fill, newest, waiting] of [
    [(owner: Pool) => owner`insert into events (id, name, subject, rooms, data) values (gen_random_uuid(), 'x', 'x', '{}', '{}')`, 1, 1],
    [(owner: Pool) => owner`update event_log set head = 50, floor = 50`, 51, 0],
  ] as const) {
    await using database = await migrated(fill)
    expect(await partitionsOf(database.owner)).toEqual([
      `events_from_${newest} [${newest}, MAXVALUE)`,
      `room_events_from_${newest} [${newest}, MAXVALUE)`,
    ])
    expect(await rowsOf(database.owner)).toHaveLength(waiting)
  }
})

test("a log that is not as it says is left as it was, with an error that says so", async () => {
  const name = `test_${Bun.randomUUIDv7().replaceAll("-", "")}`
  await admin`create database ${admin(name)}`
  const url = Object.assign(new URL(process.env.TEST_DATABASE_URL as string), { pathname: `/${name}` }).href
  const owner = openPool(url, { max: 2, name: "test" })
  await migrate(owner, before)
  await oldLog(owner, 100, 0)
  // An offset beyond the head: whoever finds one must look first.
  await owner`update event_log set head = head - 1`
  const rows = await rowsOf(owner)
  await expect(migrate(owner, SQL)).rejects.toThrow("partition constraint")
  expect([...(await rowsOf(owner))]).toEqual([...rows])
  expect(await owner`select relkind from pg_class where relname = 'events'`).toMatchObject([{ relkind: "r" }])
  await owner.end({ timeout: 1 })
  await admin`drop database ${admin(name)} with (force)`
})
