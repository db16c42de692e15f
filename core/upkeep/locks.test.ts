import { describe, expect, test } from "bun:test"
import { until } from "../../tests/harness/services.ts"
import { insertEntries, sealEntries } from "../audit/queries.ts"
import { dropOld } from "../audit/seal.ts"
import { testTrail } from "../audit/test-trail.ts"
import { isLockTimeout, type Pool } from "../db.ts"
import { announce } from "../events/log.ts"
import { findLog, listEvents, listRoomEvents } from "../events/queries.ts"
import { dropOldEvents, readyPartitions } from "./event-partitions.ts"
import { dropOldestEvents, makeEventPartitions } from "./queries.ts"
import { age, announceMany, DAY_MS, offsetsOf, partitionedLog, range } from "./test-partitions.ts"

const DAYS = 30
/** Locks are waited for at three places at most, a tenth of a second at each. A turn of a noisy machine comes on top, far below the 8 s of everybody else. */
const BOUND_MS = 2_000

/** A session that has read and goes on for long, as a dump does. */
async function longReader(pool: Pool, read: (db: Pool) => Promise<unknown>) {
  const session = await pool.reserve()
  await session`begin isolation level repeatable read`
  await read(session as unknown as Pool)
  return async () => {
    await session`rollback`
    session.release()
  }
}

const outcome = (promise: Promise<unknown>) =>
  promise.then(
    (value) => value,
    (error) => (isLockTimeout(error) ? "gave up" : error),
  )

async function took(work: Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work
  return performance.now() - started
}

describe("partitions of the event log", () => {
  test("are made and dropped while bookings are on their way, and neither waits for the other", async () => {
    const { log, run } = await partitionedLog(5, 5)
    await using _ = log
    await announceMany(log, 3)
    await age(log.pool, 31)
    const booking = await log.late()
    expect(await dropOldEvents(run, DAYS, Date.now())).toEqual({ rows: 10, inUse: false })
    await booking.commit()

    const { publisher } = await log.publisher()
    await publisher.sweep()
    const other = await log.late()
    // Held for as long as the booking is: whoever would need its locks waits.
    const maker = await run.reserve()
    await maker`begin`
    expect(await makeEventPartitions(maker, DAY_MS)).toBe(true)
    await announceMany(log, 2)
    await other.commit()
    await maker`commit`
    maker.release()
    await publisher.sweep()
    expect(await offsetsOf(log.pool, "events")).toEqual(range(11, 17))
  })

  for (const [who, read] of [
    ["events", (db: Pool) => listEvents(db, 0, 3, 10)],
    ["the lists of rooms", (db: Pool) => listRoomEvents(db, ["city:zürich"], 0, 3, 10)],
    ["one partition alone", (db: Pool) => db`select from events_from_1`],
  ] as const)
    test(`are left alone while somebody reads ${who} at length: others wait behind the attempt no longer than it may, and it is made again later`, async () => {
      const { log, run, publisher } = await partitionedLog(5, 5)
      await using _ = log
      await announceMany(log, 2)
      await age(log.pool, 31)
      const end = await longReader(log.pool, read)
      const attempt = outcome(dropOldestEvents(run, new Date()))
      const others = await Promise.all([
        took(listEvents(log.pool, 3, 10, 10)),
        took(listRoomEvents(log.pool, ["city:zürich"], 3, 10, 10)),
        took(publisher.sweep()),
        took(announce(log.pool, { name: "access:changed", data: { uid: "x" }, about: { uid: "x" } })),
      ])
      expect(await attempt).toBe("gave up")
      for (const ms of others) expect(ms).toBeLessThan(BOUND_MS)
      expect(await dropOldEvents(run, DAYS, Date.now())).toEqual({ rows: 0, inUse: true })
      expect(await findLog(run)).toMatchObject({ floor: 0 })
      // The next attempt of one run is enough.
      const run2 = dropOldEvents(run, DAYS, Date.now())
      await Bun.sleep(300)
      await end()
      expect(await run2).toEqual({ rows: 10, inUse: false })
      expect(await findLog(run)).toMatchObject({ floor: 10 })
    })

  test("that could not be made in time are made by the next run, and meanwhile everything is published", async () => {
    const { log, run, publisher } = await partitionedLog()
    await using _ = log
    await announceMany(log, 5)
    await publisher.sweep()
    const end = await longReader(log.pool, (db) => listEvents(db, 0, 3, 10))
    expect(await readyPartitions(run, DAYS)).toBe(false)
    await announceMany(log, 5)
    await publisher.sweep()
    expect(await offsetsOf(log.pool, "events")).toEqual(range(1, 10))
    await end()
    expect(await readyPartitions(run, DAYS)).toBe(true)
    expect(await log.pool`select starts from event_partitions`).toHaveLength(2)
  })
})

test("a partition of the audit is left alone while somebody reads it at length; nobody waits with an entry, sealing goes on, and it is dropped later", async () => {
  await using trail = await testTrail({ partitionRows: 10 })
  const { pool } = trail.database
  await trail.read(30)
  await trail.seal()
  await pool`update audit_log set sealed_at = sealed_at - interval '7 years' where position <= 20`
  const end = await longReader(pool, (db) => db`select from audit_log where position = 1`)
  const attempt = dropOld(trail.run, 2_192, Date.now())
  for (let n = 0; n < 3; n++) {
    expect(await took(insertEntries(trail.run, ['{"ids": []}']))).toBeLessThan(BOUND_MS)
    await until("it is sealed", async () => (await sealEntries(trail.run, 10)).sealed > 0, BOUND_MS)
  }
  expect(await attempt).toEqual({ rows: 0, inUse: true })
  await end()
  expect(await dropOld(trail.run, 2_192, Date.now())).toEqual({ rows: 20, inUse: false })
})
