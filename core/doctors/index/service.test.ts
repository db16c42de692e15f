import { expect, test } from "bun:test"
import { Writable } from "node:stream"
import { pino } from "pino"
import postgres from "postgres"
import { until } from "../../../tests/harness/services.ts"
import { announce } from "../../events/log.ts"
import { findLog } from "../../events/queries.ts"
import { placeOf, SearchStage, type StageDoctor } from "./test-stage.ts"

const TIMEOUT_MS = 30_000

/** Fees that nobody announces: only who loads afresh can know of them. */
async function changeUnannounced(stage: SearchStage, fee: number): Promise<void> {
  await stage.pool`update doctors set consultation_fee = ${fee}, version = version + 1`
}

/** Changes each of the first doctors once, ten at a time. */
async function changeMany(stage: SearchStage, count: number, fee: number): Promise<void> {
  const change = async (from: number) => {
    for (let i = from; i < count; i += 10)
      await stage.change(stage.doctors[i % stage.doctors.length] as StageDoctor, { consultationFee: fee + i })
  }
  await Promise.all(Array.from({ length: 10 }, (_, i) => change(i)))
}

test(
  "a Redis that is wiped again and again while doctors change costs no change",
  async () => {
    await using stage = await SearchStage.open({ doctors: 200 })
    const services = [await stage.ready(), await stage.ready()]
    for (let round = 0; round < 5; round++) {
      const changing = changeMany(stage, 60, round * 100)
      await stage.publisher.redis.flushall()
      await changing
      await stage.publisher.redis.flushall()
    }
    await stage.expectSame(...services)
  },
  TIMEOUT_MS,
)

test(
  "without Redis changes arrive by the table, and with it again by the stream",
  async () => {
    await using stage = await SearchStage.open({ doctors: 100 })
    const service = await stage.ready()
    await stage.log.server.kill()
    await changeMany(stage, 50, 10)
    await stage.expectSame(service)
    const started = await stage.ready()
    await changeMany(stage, 50, 20)
    await stage.log.server.start()
    await changeMany(stage, 50, 30)
    await stage.expectSame(service, started)
  },
  TIMEOUT_MS,
)

test(
  "an index that is behind a trimmed stream catches up by the table",
  async () => {
    await using stage = await SearchStage.open({ doctors: 300, streamMaxEvents: 100 })
    const service = await stage.ready()
    await using hold = await holdDoctors(stage)
    await untilBehind(stage)
    await hold.tx`update doctors set consultation_fee = 4, version = version + 1`
    for (const { id } of stage.doctors) await announceChange(stage, id)
    await stage.publisher.publisher.sweep()
    expect((await stage.log.stream(stage.publisher.redis)).length).toBeLessThan(250)
    await hold.release()
    await stage.expectSame(service)
  },
  TIMEOUT_MS,
)

const announceChange = (stage: SearchStage, doctorId: string) =>
  announce(stage.pool, { name: "doctor:changed", data: { doctorId, version: 2 }, about: { doctorId } })

/** While doctors are held: the index has heard of one, and waits for its row. */
async function untilBehind(stage: SearchStage): Promise<void> {
  await announceChange(stage, stage.doctors[0]?.id as string)
  await stage.publisher.publisher.sweep()
  await until("the index waits for the row", async () => {
    const waiting = await stage.pool`
      select 1 from pg_stat_activity
      where datname = current_database() and application_name = 'pulsecal-search' and wait_event_type = 'Lock'`
    return waiting.length === 1
  })
}

/** Nobody reads or writes a doctor until it is released, so an index that has heard of a change stands still. */
async function holdDoctors(stage: SearchStage) {
  const session = stage.log.session()
  // The driver hands out a session only once it is open.
  await session`select 1`
  const tx = await session.reserve()
  await tx`begin`
  await tx`lock table doctors in access exclusive mode`
  let held = true
  const release = async () => {
    if (!held) return
    held = false
    await tx`commit`
    tx.release()
  }
  return { tx, release, [Symbol.asyncDispose]: release }
}

test(
  "an index that is behind what the log keeps is loaded again, and SQL serves meanwhile",
  async () => {
    await using stage = await SearchStage.open({ doctors: 100 })
    const service = await stage.ready()
    await using hold = await holdDoctors(stage)
    await untilBehind(stage)
    await stage.log.announce(20)
    await stage.publisher.publisher.sweep()
    await stage.pool`delete from events`
    await stage.pool`update event_log set floor = head`
    await stage.publisher.redis.flushall()
    await hold.tx`update doctors set consultation_fee = 3, version = version + 1`
    await hold.release()
    await stage.expectSame(service)
    await stage.expectAnswer(service, placeOf(3))
  },
  TIMEOUT_MS,
)

test(
  "a log that is another one from now on makes every index load again",
  async () => {
    await using stage = await SearchStage.open({ doctors: 100 })
    const services = [await stage.ready(), await stage.ready()]
    await changeMany(stage, 30, 5)
    await changeUnannounced(stage, 9)
    await stage.pool`update event_log set id = gen_random_uuid()`
    await stage.expectSame(...services)
  },
  TIMEOUT_MS,
)

test(
  "a database that was away serves on from memory; if an older copy comes back under the same name, however much it has written since, all is loaded again",
  async () => {
    await using stage = await SearchStage.open({ doctors: 100 })
    const service = await stage.ready()
    await changeMany(stage, 30, 5)
    await stage.expectSame(service)
    const url = new URL(stage.log.database.url)
    const name = url.pathname.slice(1)
    await using admin = adminOf(url)
    await admin.rename(name, `${name}_away`)
    const copy = postgres(Object.assign(new URL(url), { pathname: `/${name}_away` }).href, { max: 1 })
    // More events than the follower has seen, so that its place alone tells it nothing.
    await copy`update event_log set id = gen_random_uuid(), head = head + 1000, floor = head + 900`
    await copy`update doctors set consultation_fee = 77, version = version + 1`
    expect(service.search({ ...placeOf(0), radius: 1, page: 1, limit: 20 })).toBeDefined()
    await copy.end()
    await admin.rename(`${name}_away`, name)
    await stage.expectSame(service)
  },
  TIMEOUT_MS,
)

/** Gives databases other names, under the feet of whoever is connected. */
function adminOf(url: URL) {
  const admin = postgres(Object.assign(new URL(url), { pathname: "/postgres" }).href, { max: 1, onnotice: () => {} })
  return {
    async rename(from: string, to: string): Promise<void> {
      await until("nobody is connected", async () => {
        await admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${from}`
        return admin`alter database ${admin(from)} rename to ${admin(to)}`.then(
          () => true,
          () => false,
        )
      })
    },
    [Symbol.asyncDispose]: () => admin.end(),
  }
}

test(
  "a session that is cut while an index loads or follows is made anew, and nothing is missed",
  async () => {
    await using stage = await SearchStage.open({ doctors: 3_000 })
    const cut = () =>
      stage.pool`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'pulsecal-search'`
    const service = stage.start()
    await until("its session is cut", async () => (await cut()).length > 0)
    for (let i = 0; i < 10; i++) {
      await changeMany(stage, 20, i)
      await cut()
    }
    await stage.expectSame(service)
  },
  TIMEOUT_MS,
)

test(
  "an index that comes to be larger than it may, while it loads or by growth, is given up, which is said once; SQL serves",
  async () => {
    await using stage = await SearchStage.open({ doctors: 400 })
    const lines: { msg: string }[] = []
    const log = pino(new Writable({ write: (line, _, done) => done(void lines.push(JSON.parse(line))) }))
    const said = () => lines.filter((line) => line.msg.includes("SEARCH_INDEX_MAX_MB")).length
    const mb = (await stage.ready()).bytes / 1024 / 1024
    const never = stage.start({ maxMb: mb / 2, log })
    await until("it is given up", () => never.state === "too_large")
    const grown = await stage.ready({ maxMb: mb * 1.05, log })
    expect(said()).toBe(1)
    for (let i = 0; grown.state !== "too_large" && i < 5_000; i++) await stage.onboard(`newcomer-${i}`, placeOf(i % 100))
    await until("it is given up", () => grown.state === "too_large")
    await stage.onboard("the last", placeOf(0))
    await Bun.sleep(200)
    expect(said()).toBe(2)
    for (const service of [never, grown]) {
      expect(service.search({ ...placeOf(0), radius: 10, page: 1, limit: 20 })).toBeUndefined()
      expect([service.bytes, service.doctors, service.offset]).toEqual([0, 0, undefined])
    }
    expect(await sessions(stage)).toBe(1)
  },
  TIMEOUT_MS,
)

async function sessions(stage: SearchStage): Promise<number> {
  const rows = await stage.pool`select 1 from pg_stat_activity where datname = current_database() and application_name = 'pulsecal-search'`
  return rows.length
}

test("with no memory to take it is off, and opens nothing", async () => {
  await using stage = await SearchStage.open({ doctors: 5 })
  const service = stage.start({ maxMb: 0 })
  await Bun.sleep(50)
  expect([service.state, service.search({ ...placeOf(0), radius: 10, page: 1, limit: 20 }), await sessions(stage)]).toEqual([
    "off",
    undefined,
    0,
  ])
  await service.close()
})

test(
  "it stops at once, at whatever moment of its life, and leaves no session",
  async () => {
    await using stage = await SearchStage.open({ doctors: 5_000 })
    for (const afterMs of [0, 1, 5, 10, 20, 30, 45, 60, 100, 200, 400]) {
      const service = stage.start()
      await Bun.sleep(afterMs)
      const started = performance.now()
      await service.close()
      expect({ afterMs, inTime: performance.now() - started < 150 }).toEqual({ afterMs, inTime: true })
      expect(service.state).toBe("off")
    }
    await using hold = await holdDoctors(stage)
    const waiting = stage.start()
    await until("it waits for the table", async () => (await sessions(stage)) > 0)
    await Bun.sleep(100)
    const started = performance.now()
    await waiting.close()
    expect(performance.now() - started).toBeLessThan(150)
    await hold.release()
    await until("no session is left", async () => (await sessions(stage)) === 0)
  },
  TIMEOUT_MS,
)

test("it tells how far it has read: up to the log's head when all is taken in, other events included", async () => {
  await using stage = await SearchStage.open({ doctors: 20 })
  const service = await stage.ready()
  expect(service.offset).toBe(0)
  await changeMany(stage, 20, 1)
  await stage.log.announce(7)
  await stage.publisher.publisher.sweep()
  const { head } = await findLog(stage.pool)
  expect(head).toBe(27)
  await until("it has read all", () => service.offset === head)
  expect(service.loadSeconds).toBeGreaterThan(0)
})
