import { expect, test } from "bun:test"
import { cp, rm } from "node:fs/promises"
import { TestLog } from "../../tests/harness/event-log.ts"
import { until } from "../../tests/harness/services.ts"
import { openPool } from "../db.ts"
import { openLog } from "../log.ts"
import { lastStreamed, streamKey } from "./publisher.ts"
import { follow } from "./stream.ts"

/** A follower may take this long to notice that the stream has gone silent on it; the rest is the machine's noise. */
const SILENCE_AND_NOISE_MS = 2_500
/** The same for a Redis that has stopped answering: the reader's timeout. */
const NO_ANSWER_AND_NOISE_MS = 3_800

async function isReadingStream(log: TestLog, times = 1): Promise<boolean> {
  const redis = await log.redis("watch")
  const clients = String(await redis.client("LIST")).split("\n")
  redis.disconnect()
  return clients.filter((line) => line.includes("name=pulsecal-reader") && line.includes("cmd=xread")).length === times
}

test("a Redis wiped while followers wait in it costs no event, and the stream is whole again", async () => {
  await using log = await TestLog.open()
  const { publisher, redis } = await log.publisher()
  const follower = await log.follower()
  await log.announce(5)
  await publisher.sweep()
  await follower.reaches(5)
  await until("the follower waits in the stream", () => isReadingStream(log))
  await redis.flushall()
  await log.announce(2)
  await publisher.sweep()
  await log.expectAllHeard(follower)
  await log.expectStreamComplete(redis)
  for (let i = 0; i < 20; i++) {
    await log.announce()
    publisher.nudge()
    if (i % 4 === 0) await redis.flushall()
  }
  await publisher.sweep()
  await log.expectAllHeard(follower, SILENCE_AND_NOISE_MS)
  // A wipe between two commands of a turn leaves a hole in the stream, which readers fill from the table; never a lag.
  expect(await lastStreamed(redis, await log.key())).toBe(await log.head())
})

test("a Redis that comes back without its last second is filled again, and followers past its end miss nothing", async () => {
  await using log = await TestLog.open({ persist: true })
  const { publisher, redis } = await log.publisher()
  const follower = await log.follower()
  await log.announce(5)
  await publisher.sweep()
  await log.server.kill()
  await cp(log.server.dir, `${log.server.dir}-older`, { recursive: true })
  await log.server.start()
  await until("the publisher is connected", () => redis.status === "ready")
  await log.announce(5)
  await publisher.sweep()
  await follower.reaches(10)
  await log.server.kill()
  await rm(log.server.dir, { recursive: true })
  await cp(`${log.server.dir}-older`, log.server.dir, { recursive: true })
  await rm(`${log.server.dir}-older`, { recursive: true })
  await log.server.start()
  await until("the forgotten entries are back, unasked", async () => redis.status === "ready" && (await log.stream(redis)).length === 10)
  await log.announce(2)
  await publisher.sweep()
  await log.expectAllHeard(follower, SILENCE_AND_NOISE_MS)
  await log.expectStreamComplete(redis)
})

test("a follower far behind a trimmed stream gets the trimmed events from the table", async () => {
  await using log = await TestLog.open({ streamMaxEvents: 100 })
  const { publisher, redis } = await log.publisher()
  const slow = await log.follower(0, 20)
  await log.announce(600)
  await publisher.sweep()
  expect((await log.stream(redis)).length).toBeLessThan(300)
  const late = await log.follower()
  await log.expectAllHeard(late)
  await log.announce(150)
  await publisher.sweep()
  await Promise.all([log.expectAllHeard(slow), log.expectAllHeard(late)])
  await redis.xtrim(await log.key(), "MAXLEN", 0)
  await log.announce(1)
  await publisher.sweep()
  await Promise.all([log.expectAllHeard(slow), log.expectAllHeard(late)])
})

test("the logs of two databases share a Redis and never hear each other", async () => {
  await using one = await TestLog.open()
  await using other = await TestLog.open()
  const a = await one.publisher()
  await other.announce(7)
  const foreign = await other.publisher()
  await foreign.publisher.sweep()
  const followers = [await one.follower(), await other.follower()] as const
  await one.announce(3)
  await a.publisher.sweep()
  // The other database's stream appears in this Redis too, under the key of its own log.
  for (const { offset, id } of await other.stream(foreign.redis))
    await a.redis.xadd(await other.key(), `${offset}-0`, "event", JSON.stringify({ id }))
  await one.announce(2)
  await a.publisher.sweep()
  await Promise.all([one.expectAllHeard(followers[0]), other.expectAllHeard(followers[1])])
  await one.expectStreamComplete(a.redis)
})

/** What a database is after a copy was restored that knew the first `head` events only. */
async function restoreOlderCopy(log: TestLog, head: number): Promise<void> {
  await log.pool.begin(async (tx) => {
    await tx`delete from events where "offset" > ${head} or "offset" is null`
    await tx`delete from room_events where "offset" > ${head}`
    await tx`update event_log set head = ${head}`
  })
}

test("after a restore of an older copy the stream is made anew and a follower who knew more is told to reload", async () => {
  await using log = await TestLog.open()
  const { publisher, redis } = await log.publisher()
  const follower = await log.follower()
  await log.announce(10)
  await publisher.sweep()
  await follower.reaches(10)
  const before = follower.seen.length
  await restoreOlderCopy(log, 6)
  await log.announce(2)
  await publisher.sweep()
  await log.expectStreamComplete(redis)
  await until("the follower is told", () => follower.gaps.length > 0, SILENCE_AND_NOISE_MS)
  const gap = follower.gaps[0]
  expect(gap?.from).toBe(10)
  await log.announce(4)
  await publisher.sweep()
  await until("it hears what comes after", () => follower.seen.at(-1)?.offset === 12)
  const rows = await log.table()
  const after = follower.seen.slice(before).map((e) => e.id)
  expect(after).toEqual(rows.slice(gap?.to).map((row) => row.id))
})

test("a follower that starts beyond the head, or below what is kept, is told to reload and goes on from there", async () => {
  await using log = await TestLog.open()
  const { publisher, redis } = await log.publisher()
  await log.announce(9)
  await publisher.sweep()
  await redis.flushall()
  await log.pool`delete from events where "offset" <= 4`
  await log.pool`update event_log set floor = 4`
  const [beyond, below] = [await log.follower(1_000), await log.follower(2)]
  await until("both are told", () => beyond.gaps.length === 1 && below.gaps.length === 1, 500)
  await log.announce()
  await publisher.sweep()
  await Promise.all([beyond.reaches(10), below.reaches(10)])
  await until("both hear on", () => beyond.seen.length === 1 && below.seen.length === 6)
  expect(beyond.gaps).toEqual([{ kind: "gap", from: 1_000, to: 9 }])
  expect(below.gaps).toEqual([{ kind: "gap", from: 2, to: 4 }])
  expect(below.seen.map((e) => e.offset)).toEqual([5, 6, 7, 8, 9, 10])
})

test("a log that is another one from now on is followed from its head, after word to reload", async () => {
  await using log = await TestLog.open()
  const { publisher, redis } = await log.publisher()
  const follower = await log.follower()
  await log.announce(3)
  await publisher.sweep()
  await follower.reaches(3)
  await log.pool`update event_log set id = gen_random_uuid()`
  await until("the follower is told", () => follower.gaps.length === 1, SILENCE_AND_NOISE_MS)
  await log.announce(2)
  await publisher.sweep()
  await follower.reaches(5)
  expect(follower.gaps).toEqual([{ kind: "gap", from: 3, to: 3 }])
  await log.expectStreamComplete(redis)
  await until("it reads the new stream", () => isReadingStream(log))
})

test("while Redis is away events go by the table; when it is back the stream is filled and followers return to it", async () => {
  await using log = await TestLog.open()
  const { publisher, redis } = await log.publisher()
  const follower = await log.follower()
  await log.announce(3)
  await publisher.sweep()
  await follower.reaches(3)
  await log.server.kill()
  for (let i = 0; i < 4; i++) {
    await log.announce(2)
    await publisher.sweep()
    await follower.reaches(5 + 2 * i, 1_000)
  }
  await log.server.start()
  await until("the stream is filled, unasked", async () => redis.status === "ready" && (await log.stream(redis)).length === 11)
  await until("the follower waits in the stream again", () => isReadingStream(log))
  await log.announce(2)
  await publisher.sweep()
  await log.expectAllHeard(follower)
  await log.expectStreamComplete(redis)
})

test("a Redis that hangs without a word holds followers up for three seconds once, then they go by the table", async () => {
  await using log = await TestLog.open()
  const { publisher, redis } = await log.publisher()
  const follower = await log.follower()
  await log.announce(2)
  await publisher.sweep()
  await follower.reaches(2)
  await until("the follower waits in the stream", () => isReadingStream(log))
  log.server.pause()
  await log.announce()
  publisher.nudge()
  await follower.reaches(3, NO_ANSWER_AND_NOISE_MS)
  for (let i = 0; i < 3; i++) {
    await log.announce()
    await publisher.sweep()
    await follower.reaches(4 + i, 1_000)
  }
  log.server.resume()
  await until("the follower waits in the stream again", () => isReadingStream(log), 8_000)
  await log.announce()
  await publisher.sweep()
  await log.expectAllHeard(follower)
  await until("the stream is filled", async () => redis.status === "ready" && (await log.stream(redis)).length === 7)
}, 15_000)

test("a follower stops within 100 ms: waiting in the stream, in a Redis that hangs, or in a database that does not answer", async () => {
  await using log = await TestLog.open()
  const stops = async (what: string, follower: { stop(): Promise<void> }) => {
    const started = performance.now()
    await follower.stop()
    expect({ what, inTime: performance.now() - started < 100 }).toEqual({ what, inTime: true })
  }
  const [a, b, c] = [await log.follower(), await log.follower(), await log.follower()]
  await until("all wait in the stream", () => isReadingStream(log, 3))
  await stops("in the stream", a)
  log.server.pause()
  await stops("in a Redis that hangs", b)
  log.server.resume()
  const locker = await log.pool.reserve()
  await locker`begin`
  await locker`lock table event_log`
  await until("the third waits for the table", async () => {
    const [row] = await log.pool`select count(*)::int as n from pg_locks where not granted`
    return row?.n === 1
  })
  await stops("in a database that does not answer", c)
  await locker`rollback`
  locker.release()
})

test("a follower outlives its database sessions and a stream entry that nobody wrote", async () => {
  await using log = await TestLog.open()
  const { publisher, redis } = await log.publisher()
  const follower = await log.follower()
  await log.announce(2)
  await publisher.sweep()
  await follower.reaches(2)
  await redis.xadd(await log.key(), "99-7", "what", "is this")
  await log.announce()
  await publisher.sweep()
  await log.expectAllHeard(follower, SILENCE_AND_NOISE_MS)
  // The pool is the owner's, whose sessions nobody else may end.
  const other = openPool(log.database.ownerUrl, { max: 1, name: "ender" })
  for (let i = 0; i < 5; i++) {
    await other`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'pulsecal-test'`
    await Bun.sleep(50)
  }
  await other.end()
  await until("the pool is well again", () => log.pool`select 1`.catch(() => undefined))
  await log.announce(2)
  await publisher.sweep()
  await log.expectAllHeard(follower, SILENCE_AND_NOISE_MS)
})

test("a consumer gets no more at a time than a batch, however far behind it is", async () => {
  await using log = await TestLog.open()
  const { publisher } = await log.publisher()
  await log.pool`
    insert into events (id, name, subject, rooms, data)
    select gen_random_uuid(), 'access:changed', 'account:' || i, '{}', '{}' from generate_series(1, 2300) i`
  await publisher.sweep()
  const abort = new AbortController()
  const sizes: number[] = []
  const redis = await log.redis("reader", true)
  for await (const batch of follow({ pool: log.pool, redis, log: openLog("test", "silent"), after: 0, signal: abort.signal })) {
    if (batch.kind === "events") sizes.push(batch.events.length)
    if (sizes.reduce((a, b) => a + b, 0) === 2300) abort.abort()
  }
  expect(Math.max(...sizes)).toBe(500)
  expect(streamKey("x")).toBe("pulsecal:events:x")
})
