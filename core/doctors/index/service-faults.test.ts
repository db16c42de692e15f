/** Whatever fails around an index: when all is well again it is the table, as one is that is loaded afresh. */
import { expect, test } from "bun:test"
import postgres from "postgres"
import { until } from "../../../tests/harness/services.ts"
import { announce } from "../../events/log.ts"
import type { SearchIndexService } from "./service.ts"
import { changeMany, holdDoctors, placeOf, SearchStage, searchWhole } from "./test-stage.ts"

const TIMEOUT_MS = 30_000

/** Fees that nobody announces: only who loads afresh can know of them. */
async function changeUnannounced(stage: SearchStage, fee: number): Promise<void> {
  await stage.pool`update doctors set consultation_fee = ${fee}, version = version + 1`
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
    const watch = watchSearches(service)
    await hold.release()
    await stage.expectSame(service)
    const samples = await watch.end()
    await stage.expectAnswer(service, placeOf(3))
    // Until it meets the gap it cannot know. From then on nothing old is told.
    const since = samples.slice(samples.findIndex(({ state }) => state === "loading"))
    expect(since[0]).toEqual({ state: "loading", fees: undefined })
    expect(since.at(-1)).toEqual({ state: "ready", fees: [3] })
    expect(since.filter(({ state, fees }) => (state === "ready" ? `${fees}` !== "3" : fees !== undefined))).toEqual([])
  },
  TIMEOUT_MS,
)

/** Searches again and again: what state the index said it was in, and which fees it told, if any. */
function watchSearches(service: SearchIndexService) {
  const samples: { state: string; fees: number[] | undefined }[] = []
  let ended = false
  const watching = (async () => {
    while (!ended) {
      const [state, found] = [service.state, searchWhole(service, { ...placeOf(3), radius: 1, page: 1, limit: 20 })]
      const bytes = await found
      const data: { consultationFee: number }[] | undefined = bytes && JSON.parse(new TextDecoder().decode(bytes)).data
      samples.push({ state, fees: data && [...new Set(data.map((d) => d.consultationFee))] })
      await Bun.sleep(1)
    }
  })()
  const end = async () => {
    ended = true
    await watching
    return samples
  }
  return { end }
}

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
    const url = new URL(stage.log.database.ownerUrl)
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
