import { describe, expect, test } from "bun:test"
import type { Db } from "../db.ts"
import { announce } from "../events/log.ts"
import { findLog, hasUnpublished, listEvents, listRoomEvents } from "../events/queries.ts"
import { dropOldEvents, readyPartitions } from "./event-partitions.ts"
import { dropOldestEvents, makeEventPartitions } from "./queries.ts"
import { age, announceMany, DAY_MS, endPartition, offsetsOf, partitionedLog, partitionsOf, range } from "./test-partitions.ts"

const DAYS = 30
const ROOM = "city:zürich"
const both = (bounds: string[]) => [
  ...bounds.map((b) => `events_from_${b.slice(1, b.indexOf(","))} ${b}`),
  ...bounds.map((b) => `room_events_from_${b.slice(1, b.indexOf(","))} ${b}`),
]

describe("what is no longer kept", () => {
  test("goes in whole partitions, with its places in the rooms' lists, and the log's floor says so", async () => {
    const { log, run } = await partitionedLog(7, 5, 3)
    await using _ = log
    expect(await partitionsOf(log.pool)).toEqual(both(["[1, 8)", "[8, 13)", "[13, 16)", "[16, MAXVALUE)"]))
    await age(log.pool, 31)
    await log.pool`update event_partitions set closed_at = now() - interval '29 days' where starts = 13`
    expect(await dropOldEvents(run, DAYS, Date.now())).toEqual({ rows: 12, inUse: false })
    expect(await partitionsOf(log.pool)).toEqual(both(["[13, 16)", "[16, MAXVALUE)"]))
    expect([await offsetsOf(log.pool, "events"), await offsetsOf(log.pool, "room_events")]).toEqual([range(13, 15), range(13, 15)])
    expect(await findLog(run)).toMatchObject({ floor: 12, head: 15 })
    expect(await dropOldEvents(run, DAYS, Date.now())).toEqual({ rows: 0, inUse: false })
  })

  test("does not include what the worker has not read, what has no offset yet, or what can still grow", async () => {
    const { log, run, publisher } = await partitionedLog(4, 4)
    await using _ = log
    await announceMany(log, 4)
    await publisher.sweep()
    const waiting = await log.late()
    await announceMany(log, 1)
    await log.pool`update events set occurred_at = now() - interval '10 years'`
    await age(log.pool, 31)
    await log.pool`update work_cursor set "offset" = 7`
    expect(await dropOldEvents(run, DAYS, Date.now())).toEqual({ rows: 4, inUse: false })
    await log.pool`update work_cursor set "offset" = 12`
    expect(await dropOldEvents(run, DAYS, Date.now())).toEqual({ rows: 4, inUse: false })
    expect(await dropOldEvents(run, DAYS, Date.now())).toEqual({ rows: 0, inUse: false })
    await waiting.commit()
    await publisher.sweep()
    expect(await offsetsOf(log.pool, "events")).toEqual(range(9, 14))
  })

  test("is nothing of a log that no worker has ever read, nor anything younger than a day, whatever is asked", async () => {
    const { log, run } = await partitionedLog(4)
    await using _ = log
    expect(await dropOldestEvents(run, new Date(Date.now() + 1000 * DAY_MS))).toBe(0)
    await age(log.pool, 31)
    await log.pool`delete from work_cursor`
    expect(await dropOldestEvents(run, new Date())).toBe(0)
    expect(await offsetsOf(log.pool, "events")).toEqual(range(1, 4))
  })

  test("was written before its partition was closed: an event is kept as long as it should be, whenever it was published", async () => {
    const { log, run, publisher } = await partitionedLog()
    await using _ = log
    await announceMany(log, 3)
    await publisher.sweep()
    await endPartition(log.pool, run)
    const [closed] = await log.pool`
      select bool_and(closed_at > (select max(occurred_at) from events where "offset" >= starts and "offset" < ends)) as after from event_partitions where ends is not null`
    expect(closed).toEqual({ after: true })
  })
})

describe("after the oldest have gone, even all but the newest", () => {
  test("offsets go on where they were, followers are told of the gap, and hear the rest", async () => {
    const { log, run, publisher } = await partitionedLog(20, 10)
    await using _ = log
    await age(log.pool, 31)
    expect(await dropOldEvents(run, DAYS, Date.now())).toEqual({ rows: 30, inUse: false })
    expect(await findLog(run)).toMatchObject({ head: 30, floor: 30 })
    await announceMany(log, 2)
    await publisher.sweep()
    for (const [after, gaps] of [
      [3, [{ kind: "gap", from: 3, to: 30 }]],
      [30, []],
    ] as const) {
      const follower = await log.follower(after)
      await follower.reaches(32)
      expect([follower.gaps, follower.seen.map((e) => e.offset)]).toEqual([[...gaps], [31, 32]])
    }
  })

  test("a wiped Redis, and processes that start anew, are filled from what is left", async () => {
    const { log, run, redis } = await partitionedLog(20, 10)
    await using _ = log
    await age(log.pool, 31)
    await dropOldEvents(run, DAYS, Date.now())
    await redis.flushall()
    const fresh = await log.publisher()
    await fresh.publisher.sweep()
    expect(await log.stream(redis)).toEqual([])
    await announceMany(log, 3)
    await fresh.publisher.sweep()
    expect((await log.stream(redis)).map((e) => e.offset)).toEqual([31, 32, 33])
    await redis.flushall()
    const follower = await log.follower(30)
    await follower.reaches(33)
    await fresh.publisher.sweep()
    await log.expectStreamComplete(redis)
  })

  test("a reader that read the floor just before sees either all or the gap, never a part without a word", async () => {
    const { log, run } = await partitionedLog(900, 700, 5)
    await using _ = log
    const follower = await log.follower(0, 30)
    await follower.reaches(500)
    await age(log.pool, 31)
    await dropOldEvents(run, DAYS, Date.now())
    await follower.reaches(1605)
    const told = follower.gaps.flatMap((gap) => range(gap.from + 1, gap.to))
    expect([...follower.seen.map((e) => e.offset), ...told].sort((a, b) => a - b)).toEqual(range(1, 1605))
  })
})

describe("partitions are made ahead", () => {
  test("and while nobody makes them nothing fails: the newest has no end, and is given one later", async () => {
    const { log, run, publisher, redis } = await partitionedLog()
    await using _ = log
    await announceMany(log, 2_500)
    await publisher.sweep()
    expect(await partitionsOf(log.pool)).toEqual(both(["[1, MAXVALUE)"]))
    expect(await makeEventPartitions(run, DAY_MS)).toBe(true)
    expect(await partitionsOf(log.pool)).toEqual(both(["[1, 100001)", "[100001, MAXVALUE)"]))
    expect(await makeEventPartitions(run, DAY_MS)).toBe(false)
    await announceMany(log, 10)
    await publisher.sweep()
    expect(await offsetsOf(log.pool, "events")).toEqual(range(1, 2_510))
    await log.expectStreamComplete(redis)
  })

  test("and end where the rate of those before says, or at once when far fewer came; without events none is made", async () => {
    const { log, run, publisher } = await partitionedLog(10)
    await using _ = log
    for (let n = 0; n < 3; n++) expect(await makeEventPartitions(run, DAY_MS)).toBe(false)
    await log.pool`update event_log set head = 1000010`
    await log.pool`update event_partitions set ends = 1000011 where starts = 1`
    await log.pool`drop table events_from_11, room_events_from_11`
    await log.pool`delete from event_partitions where starts = 11`
    await log.pool`select add_event_partition(1000011)`
    await announceMany(log, 1)
    await publisher.sweep()
    await log.pool`update event_partitions set opened_at = now() - interval '1 day' where starts = 1`
    expect(await makeEventPartitions(run, 2 * DAY_MS)).toBe(true)
    const ends = await log.pool`select ends - starts as events from event_partitions where starts = 1000011`
    // Nine tenths of what two days bring at a million a day.
    expect(Number(ends[0]?.events)).toBeWithin(1_790_000, 1_810_000)
    await log.pool`update event_partitions set opened_at = now() - interval '4 days' where starts = 1000011`
    expect(await makeEventPartitions(run, 2 * DAY_MS)).toBe(true)
    expect((await partitionsOf(log.pool)).slice(1, 3)).toEqual([
      "events_from_1000011 [1000011, 1000012)",
      "events_from_1000012 [1000012, MAXVALUE)",
    ])
    expect(await makeEventPartitions(run, 2 * DAY_MS)).toBe(false)
  })

  test("once, by however many at a time", async () => {
    const { log, run, publisher } = await partitionedLog()
    await using _ = log
    await announceMany(log, 3)
    await publisher.sweep()
    const rivals = Array.from({ length: 6 }, () => log.session())
    const made = await Promise.all([run, ...rivals].map((pool) => readyPartitions(pool, DAYS)))
    expect(made).toEqual(made.map(() => true))
    expect(await partitionsOf(log.pool)).toEqual(both(["[1, 100001)", "[100001, MAXVALUE)"]))
  })
})

describe("what one table promised holds over all partitions", () => {
  test("no offset is given twice, none waits twice under one number, and what waits is what has no offset", async () => {
    const { log, publisher } = await partitionedLog(3, 3)
    await using _ = log
    await announceMany(log, 2)
    const refused = (statement: string) =>
      log.pool.unsafe(statement).then(
        () => "done",
        (error) => `${error.code} ${error.constraint_name ?? ""}`,
      )
    for (const taken of [2, 5])
      expect(await refused(`update events set "offset" = ${taken} where "offset" is null`)).toStartWith("23505 events_from_")
    const [waiting] = await log.pool`select seq from events where "offset" is null order by seq limit 1`
    const again = `insert into events (seq, id, name, subject, rooms, data) overriding system value values (${waiting?.seq}, gen_random_uuid(), 'x', 'x', '{}', '{}')`
    expect(await refused(again)).toBe("23505 events_unpublished")
    const places = () => log.pool`select tableoid::regclass::text as part, count(*) as rows from events group by 1 order by 1`
    expect([...(await places())].map((r) => ({ ...r }))).toEqual([
      { part: "events_from_1", rows: 3 },
      { part: "events_from_4", rows: 3 },
      { part: "events_waiting", rows: 2 },
    ])
    expect(await hasUnpublished(log.pool)).toBe(true)
    await publisher.sweep()
    expect(await hasUnpublished(log.pool)).toBe(false)
    expect(await offsetsOf(log.pool, "events")).toEqual(range(1, 8))
  })

  test("an event is written with one entry in an index and published with one more", async () => {
    const { log } = await partitionedLog(3)
    await using _ = log
    const indexes = await log.pool`
      select c.relname as on, count(*) as indexes from pg_index i join pg_class c on c.oid = i.indrelid
      where c.relname in ('events_waiting', 'events_from_1', 'events_from_4') group by 1 order by 1`
    expect([...indexes].map((r) => ({ ...r }))).toEqual([
      { on: "events_from_1", indexes: 1 },
      { on: "events_from_4", indexes: 1 },
      { on: "events_waiting", indexes: 1 },
    ])
  })

  test("a reader reads the partitions that hold what it asks for, and no other, whatever the plan", async () => {
    const { log, run } = await partitionedLog(10, 10, 10, 10, 10)
    await using _ = log
    const uses = async (tx: Db) => {
      const rows = await tx<{ name: string; uses: number }[]>`
        select relname as name, seq_scan + coalesce(idx_scan, 0) + n_tup_ins as uses
        from pg_stat_xact_user_tables where relname ~ '^(room_)?events'`
      return new Map(rows.map((r) => [r.name, r.uses]))
    }
    const touched = (act: (db: Db) => Promise<unknown>) =>
      run.begin(async (tx) => {
        const before = await uses(tx)
        await act(tx)
        return [...(await uses(tx))].flatMap(([name, count]) => (count > (before.get(name) ?? 0) ? [name] : [])).sort()
      })
    // Often enough that the server might settle on one plan for all.
    for (let n = 0; n < 12; n++) {
      expect(await touched((db) => listEvents(db, 12, 50, 6))).toEqual(["events_from_11"])
      expect(await touched((db) => listEvents(db, 38, 50, 500))).toEqual(["events_from_31", "events_from_41"])
      expect(await touched((db) => listRoomEvents(db, [ROOM], 45, 50, 64))).toEqual(["events_from_41", "room_events_from_41"])
      expect(await touched((db) => hasUnpublished(db))).toEqual(["events_waiting"])
      expect(await touched((db) => announce(db, { name: "access:changed", data: { uid: "x" }, about: { uid: "x" } }))).toEqual([
        "events_waiting",
      ])
    }
    expect((await listEvents(run, 12, 50, 6)).map((e) => e.offset)).toEqual(range(13, 18))
    expect((await listRoomEvents(run, [ROOM], 8, 33, 100)).map((e) => e.offset)).toEqual(range(9, 33))
  })
})
