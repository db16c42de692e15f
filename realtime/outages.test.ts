/** Sockets while Postgres or Redis is away, for moments and for longer than a dead connection is kept. */
import { expect, test } from "bun:test"
import postgres from "postgres"
import { appointmentUpdate, listen, listening, offsetsOf, type TestStage, testStage } from "../tests/harness/realtime.ts"
import { until } from "../tests/harness/services.ts"

/** Short, so that the test is; a deployed process has 25 and 20 s. */
const PINGS = { pingIntervalMs: 1_000, pingTimeoutMs: 2_500 }
/** A client is missed after a ping and its timeout. */
const OUTAGE_MS = 2 * (PINGS.pingIntervalMs + PINGS.pingTimeoutMs)

/** Takes Postgres away from a stage, and gives it back. */
async function switchOf({ database }: TestStage) {
  const admin = postgres(process.env.TEST_DATABASE_URL as string, { max: 1 })
  const name = new URL(database.url).pathname.slice(1)
  return {
    async away(isAway: boolean) {
      await admin`alter database ${admin(name)} allow_connections ${admin.unsafe(String(!isAway))}`
      if (isAway) await admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`
    },
    [Symbol.asyncDispose]: () => admin.end(),
  }
}

/** Resolves once the event is announced, as soon as it can be. */
async function tellOnceBack(stage: TestStage, doctorId: string): Promise<void> {
  await until(
    "the event is told",
    () =>
      stage.tell(appointmentUpdate({ doctorId })).then(
        () => true,
        () => false,
      ),
    10_000,
  )
}

test("while Postgres is away those who listen stay, newcomers come in by themselves as soon as it is back, and nothing is lost", async () => {
  await using own = await testStage()
  const { url, health } = await own.start()
  const { uid, doctorId } = await own.doctor()
  const diary = await listening(url, { uid })
  await using database = await switchOf(own)
  await database.away(true)
  const newcomer = listen(url, { uid, reconnection: true })
  await Bun.sleep(300)
  expect([newcomer.ready, newcomer.socket.connected]).toEqual([[], false])
  expect((await health.ready()).status).toBe("unavailable")
  await database.away(false)
  await until("Postgres is back", async () => (await health.ready()).status === "ok")
  await tellOnceBack(own, doctorId)
  await until("it is heard", () => diary.heard.length === 1)
  expect([diary.disconnects, offsetsOf(diary).length]).toEqual([[], 1])
  await until("the newcomer is in", () => newcomer.ready.length > 0, 10_000)
  diary.socket.close()
  newcomer.socket.close()
}, 20_000)

/** Answers no ping, and reads on. */
async function mute(url: string): Promise<void> {
  const response = await fetch(`${url}/socket.io/?EIO=4&transport=polling`)
  expect(response.status).toBe(200)
  await response.text()
}

test("an outage of Postgres and Redis at once, longer than a ping and its timeout, costs no client that answers pings its connection", async () => {
  await using own = await testStage()
  const { url, health, connections } = await own.start(PINGS)
  const { uid, doctorId } = await own.doctor()
  const diaries = await Promise.all(["websocket", "polling"].map((transport) => listening(url, { uid, transports: [transport] })))
  await using database = await switchOf(own)
  await own.redis.kill()
  await database.away(true)
  await mute(url)
  expect(connections()).toBe(diaries.length + 1)
  await Bun.sleep(OUTAGE_MS)
  expect((await health.ready()).checks).toMatchObject({ postgres: "down", redis: "down" })
  // The one that does not answer has been missed meanwhile, so the others were asked as well.
  expect(connections()).toBe(diaries.length)
  await own.redis.start()
  await database.away(false)
  await tellOnceBack(own, doctorId)
  for (const diary of diaries) {
    await until("it is heard", () => diary.heard.length > 0, 15_000)
    expect([diary.disconnects, diary.errors, diary.gaps]).toEqual([[], [], []])
    diary.socket.close()
  }
}, 60_000)
