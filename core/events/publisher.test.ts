import { expect, test } from "bun:test"
import { TestLog } from "../../tests/harness/event-log.ts"
import { until } from "../../tests/harness/services.ts"
import { announce } from "./log.ts"
import { fillStream, lastStreamed, numberCommitted } from "./publisher.ts"
import { findLog, listEvents, listRoomEvents, releasePublisherLock, tryPublisherLock } from "./queries.ts"

test("events written at once and published by four rivals get dense offsets in the order of their numbers, each added once", async () => {
  await using log = await TestLog.open()
  const rivals = await Promise.all([log.publisher(), log.publisher(), log.publisher(), log.publisher()])
  const follower = await log.follower()
  const write = async (writer: number) => {
    for (let i = 0; i < 40; i++) {
      await log.announce()
      rivals[(writer + i) % rivals.length]?.publisher.nudge()
    }
  }
  await Promise.all([0, 1, 2, 3, 4, 5].map(write))
  await until("all are numbered", async () => (await log.head()) === 240)
  await log.expectAllHeard(follower)
  const redis = await log.redis()
  await until("the stream is complete", async () => (await log.stream(redis)).length === 240)
  await log.expectStreamComplete(redis)
  const info = (await redis.xinfo("STREAM", await log.key())) as unknown[]
  expect(info[info.indexOf("entries-added") + 1]).toBe(240)
})

test("of one subject, the order of offsets is the order of commits, however many write at once", async () => {
  await using log = await TestLog.open()
  const { publisher } = await log.publisher()
  const follower = await log.follower()
  await log.pool`create table subjects (id uuid primary key, version int not null)`
  const ids = Array.from({ length: 3 }, () => crypto.randomUUID())
  for (const id of ids) await log.pool`insert into subjects values (${id}, 0)`
  const write = async (writer: number) => {
    for (let i = 0; i < 25; i++) {
      const doctorId = ids[(writer + i) % ids.length] as string
      await log.pool.begin(async (tx) => {
        const [row] = await tx<{ version: number }[]>`update subjects set version = version + 1 where id = ${doctorId} returning version`
        await announce(tx, { name: "doctor:changed", data: { doctorId, version: row?.version ?? 0 }, about: { doctorId } })
      })
      publisher.nudge()
    }
  }
  await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(write))
  await publisher.sweep()
  await follower.reaches(200)
  for (const id of ids) {
    const versions = follower.seen.filter((e) => e.data.doctorId === id).map((e) => e.data.version as number)
    expect(versions).toEqual(versions.map((_, i) => i + 1))
  }
  expect(follower.seen).toHaveLength(200)
})

test("what is committed while another publisher holds the lock is published by that one, without a further call", async () => {
  await using log = await TestLog.open()
  const [holder, rival] = await Promise.all([log.publisher(), log.publisher()])
  await log.announce()
  log.server.pause()
  holder.publisher.nudge()
  await until("the holder waits for Redis", async () => (await log.head()) === 1)
  await log.announce()
  await rival.publisher.sweep()
  expect(await log.head()).toBe(1)
  log.server.resume()
  await until("the holder has looked again", async () => (await log.head()) === 2, 500)
})

test("an event committed after later ones were published is published too, and heard by all", async () => {
  await using log = await TestLog.open()
  const { publisher, redis } = await log.publisher()
  const follower = await log.follower()
  const late = await log.late()
  await log.announce(3)
  await publisher.sweep()
  await follower.reaches(3)
  await late.commit()
  await publisher.sweep()
  await log.expectAllHeard(follower)
  await log.expectStreamComplete(redis)
  expect(follower.seen.at(-1)?.data.uid).toStartWith("late")
})

test("a transaction that rolls back announces nothing and costs no offset", async () => {
  await using log = await TestLog.open()
  const { publisher } = await log.publisher()
  const follower = await log.follower()
  const never = await log.late()
  await log.announce()
  await never.rollback()
  await log.announce()
  await publisher.sweep()
  await log.expectAllHeard(follower)
  expect(follower.seen.map((e) => e.offset)).toEqual([1, 2])
})

test("several events of one transaction keep their order, and each room lists what it may hear", async () => {
  await using log = await TestLog.open()
  const { publisher } = await log.publisher()
  const [a, b] = [crypto.randomUUID(), crypto.randomUUID()]
  await announce(
    log.pool,
    { name: "doctor:new", data: { doctorId: a, city: "Zürich" }, about: { city: "Zürich" } },
    { name: "doctor:changed", data: { doctorId: a, version: 1 }, about: { doctorId: a } },
    { name: "doctor:new", data: { doctorId: b, city: "ZÜRICH" }, about: { city: "ZÜRICH" } },
  )
  await publisher.sweep()
  const heard = await listRoomEvents(log.pool, ["city:zürich"], 0, 3, 10)
  expect(heard.map((e) => [e.offset, e.name, e.data.doctorId])).toEqual([
    [1, "doctor:new", a],
    [3, "doctor:new", b],
  ])
})

test("what the stream holds of an event is what the table holds, whatever is written in it", async () => {
  await using log = await TestLog.open()
  const { publisher, redis } = await log.publisher()
  const reason = 'sore "throat"\n\\ and {fever}, since Zürich 😷'
  const appointmentId = crypto.randomUUID()
  const data = { appointmentId, patientName: "O'Neil\t\u2028", scheduledAt: "2027-01-01T09:00:00.000Z", reason }
  await announce(
    log.pool,
    { name: "appointment:new", data, about: { doctorId: crypto.randomUUID(), clinicId: crypto.randomUUID() } },
    { name: "doctor:new", data: { doctorId: appointmentId, city: 'a "b", {c}' }, about: { city: 'a "b", {c}' } },
    { name: "doctors:imported", data: { count: 3 }, about: {} },
  )
  await publisher.sweep()
  const entries = await redis.xrange(await log.key(), "-", "+")
  const streamed = entries.map(([id, [, event = ""]]) => {
    const parsed = JSON.parse(event)
    return { ...parsed, offset: Number.parseInt(id, 10), occurredAt: new Date(parsed.occurredAt) }
  })
  expect(streamed).toHaveLength(3)
  expect(streamed).toEqual(await listEvents(log.pool, 0, 3, 10))
  expect(streamed[0].data).toEqual(data)
})

for (const step of ["after numbering, before the stream", "after half of the entries", "after the stream, before unlocking"]) {
  test(`a publisher whose session ends ${step} loses nothing, and the next one completes its work`, async () => {
    await using log = await TestLog.open()
    const { publisher, redis } = await log.publisher()
    const follower = await log.follower()
    await log.announce(10)
    const dying = log.session()
    expect(await tryPublisherLock(dying, "turn")).toBe(true)
    const fresh = await numberCommitted(dying, "turn")
    const state = await findLog(dying)
    if (step.includes("half")) await fillStream(dying, redis, { ...state, head: 5 }, fresh, 1000)
    if (step.includes("unlocking")) await fillStream(dying, redis, state, fresh, 1000)
    await dying.end({ timeout: 0 })
    await log.announce(2)
    await until("the next publisher has done it", async () => {
      await publisher.sweep()
      return (await lastStreamed(redis, await log.key())) === 12
    })
    await log.expectAllHeard(follower)
    await log.expectStreamComplete(redis)
  })
}

test("publishers killed at any moment lose nothing: every event is numbered once, in the stream once, and heard once", async () => {
  await using log = await TestLog.open()
  const follower = await log.follower()
  let writing = true
  const writer = (async () => {
    // Fewer than the stream keeps, however fast the machine is.
    for (let n = 0; n < 8_000 && writing; n++) await log.announce()
  })()
  for (let round = 0; round < 6; round++) {
    const children = [0, 1].map(() =>
      Bun.spawn([process.execPath, "tests/harness/publisher-child.ts", log.database.url, String(log.server.config.port)], {
        stdout: "pipe",
        stderr: "inherit",
      }),
    )
    await Promise.all(children.map((child) => child.stdout.getReader().read()))
    await Bun.sleep(20 + Math.random() * 30)
    for (const child of children) child.kill("SIGKILL")
    await Promise.all(children.map((child) => child.exited))
  }
  writing = false
  await writer
  const { publisher, redis } = await log.publisher()
  await until("the dead one's lock is free and the rest is published", async () => {
    await publisher.sweep()
    return (await log.table()).every((row) => row.offset !== null)
  })
  await log.expectAllHeard(follower)
  await log.expectStreamComplete(redis)
  expect(follower.seen.length).toBeGreaterThan(100)
}, 15_000)

test("publishers whose sessions are cut again and again number nothing twice and leave no hole", async () => {
  await using log = await TestLog.open()
  const [a, b] = await Promise.all([log.publisher(), log.publisher()])
  const follower = await log.follower()
  let cuts = 0
  const write = async () => {
    while (cuts < 15) {
      await log.announce()
      a.publisher.nudge()
      b.publisher.nudge()
      await Bun.sleep(Math.random() * 3)
    }
  }
  const cut = async () => {
    while (cuts < 15) {
      cuts += await log.cutPublishers()
      await Bun.sleep(Math.random() * 20)
    }
  }
  await Promise.all([write(), write(), cut()])
  await until("all is published", async () => {
    await a.publisher.sweep()
    return (await log.table()).every((row) => row.offset !== null)
  })
  await log.expectAllHeard(follower)
}, 15_000)

test("a session that was lost and made again numbers nothing: the lock was the old one's", async () => {
  await using log = await TestLog.open()
  await log.announce(2)
  const session = log.session()
  expect(await tryPublisherLock(session, "turn")).toBe(true)
  await log.cutPublishers()
  await until("the driver has connected again", async () => session`select 1`.catch(() => undefined))
  expect(await numberCommitted(session, "turn")).toEqual([])
  expect(await log.head()).toBe(0)
})

test("a publisher that freezes with the lock in its hand loses it within six seconds", async () => {
  await using log = await TestLog.open()
  const { publisher } = await log.publisher()
  const frozen = log.session()
  expect(await tryPublisherLock(frozen, "turn")).toBe(true)
  await log.announce()
  await publisher.sweep()
  expect(await log.head()).toBe(0)
  await until("another one publishes", () => publisher.sweep().then(async () => (await log.head()) === 1), 6_000)
  expect(await numberCommitted(frozen, "turn").catch(() => [])).toEqual([])
}, 8_000)

test("a lock that a failed turn left behind is given up by the next", async () => {
  await using log = await TestLog.open()
  const { publisher, session } = await log.publisher()
  expect(await tryPublisherLock(session, "failed")).toBe(true)
  await log.announce()
  await publisher.sweep()
  expect(await log.head()).toBe(1)
  const rival = log.session()
  expect(await tryPublisherLock(rival, "rival")).toBe(true)
  await releasePublisherLock(rival)
})

test("a Redis that refuses writes keeps no event from its followers, and the stream is filled once it takes them", async () => {
  await using log = await TestLog.open()
  const { publisher, redis } = await log.publisher()
  const follower = await log.follower()
  await log.announce(2)
  await publisher.sweep()
  await redis.config("SET", "maxmemory", "1")
  await log.announce(3)
  await publisher.sweep()
  expect(await log.stream(redis)).toHaveLength(2)
  await log.expectAllHeard(follower)
  await redis.config("SET", "maxmemory", "0")
  await publisher.sweep()
  await log.expectStreamComplete(redis)
})

test("a key of another type in the stream's place is replaced by the stream", async () => {
  await using log = await TestLog.open()
  const { publisher, redis } = await log.publisher()
  await redis.set(await log.key(), "not a stream")
  const follower = await log.follower()
  await log.announce(2)
  await publisher.sweep()
  await log.expectAllHeard(follower)
  await log.expectStreamComplete(redis)
})

test("a large backlog is numbered in batches and wholly in the stream", async () => {
  await using log = await TestLog.open()
  const { publisher, redis } = await log.publisher()
  await log.pool`
    insert into events (id, name, subject, rooms, data)
    select gen_random_uuid(), 'access:changed', 'account:' || i, array['doctor:' || i % 7], jsonb_build_object('uid', i)
    from generate_series(1, 3500) i`
  await publisher.sweep()
  await log.expectStreamComplete(redis)
  expect(await listRoomEvents(log.pool, ["doctor:3"], 0, 3500, 1000)).toHaveLength(500)
})
