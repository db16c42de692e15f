import { expect, spyOn, test } from "bun:test"
import { Writable } from "node:stream"
import { pino } from "pino"
import { until } from "../../../tests/harness/services.ts"
import { findLog } from "../../events/queries.ts"
import { DoctorIndex } from "./doctor-index.ts"
import { watchReleases } from "./test-releases.ts"
import { changeMany, placeOf, SearchStage } from "./test-stage.ts"

const TIMEOUT_MS = 30_000
/** Long enough to give back an index of this size, were it not waited for. */
const RELEASED_MS = 200
/** Within so long upkeep is due again. */
const UPKEEP_DUE_MS = 15
const SEARCHES = 10

test(
  "an index that comes to be larger than it may, while it loads or by growth, is given up, which is said once, and given back in steps; SQL serves",
  async () => {
    await using stage = await SearchStage.open({ doctors: 400 })
    const lines: { msg: string }[] = []
    const log = pino(new Writable({ write: (line, _, done) => done(void lines.push(JSON.parse(line))) }))
    const said = () => lines.filter((line) => line.msg.includes("SEARCH_INDEX_MAX_MB")).length
    const mb = (await stage.ready()).bytes / 1024 / 1024
    using watch = watchReleases()
    const never = stage.start({ maxMb: mb / 2, log })
    await until("it is given up", () => never.state === "too_large")
    const grown = await stage.ready({ maxMb: mb * 1.5, log })
    expect(said()).toBe(1)
    await stage.multiply(40)
    await until("it is given up", () => grown.state === "too_large")
    await stage.onboard("the last", placeOf(0))
    await Bun.sleep(200)
    expect(said()).toBe(2)
    for (const service of [never, grown]) {
      expect(service.search({ ...placeOf(0), radius: 10, page: 1, limit: 20 })).toBeUndefined()
      expect([service.bytes, service.doctors, service.offset]).toEqual([0, 0, undefined])
    }
    expect(watch.releases.map(({ bytes }) => (bytes.at(-1) as number) < (bytes[0] as number) / 5)).toEqual([true, true])
    await until("the sessions of those that were given up are closed", async () => (await sessions(stage)) === 1)
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
  "it stops at once, at whatever moment of its life, and leaves no session; while it loads SQL serves",
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
    // Whoever loads asks first where the log ends.
    const holder = await stage.log.pool.reserve()
    await holder`begin`
    await holder`lock table event_log`
    const waiting = stage.start()
    await until("it waits for the log", async () => (await sessions(stage)) > 0)
    await Bun.sleep(100)
    expect([waiting.state, waiting.search({ ...placeOf(0), radius: 10, page: 1, limit: 20 })]).toEqual(["loading", undefined])
    const started = performance.now()
    await waiting.close()
    expect(performance.now() - started).toBeLessThan(150)
    await holder`rollback`
    holder.release()
    await until("no session is left", async () => (await sessions(stage)) === 0)
  },
  TIMEOUT_MS,
)

test(
  "upkeep has its turn though one slow search comes after the other, and none while one goes on",
  async () => {
    await using stage = await SearchStage.open({ doctors: 20 })
    const service = await stage.ready()
    let isSearching = false
    const turns: boolean[] = []
    using _slow = spyOn(DoctorIndex.prototype, "searchUntil").mockReturnValue(undefined)
    using _long = spyOn(DoctorIndex.prototype, "searchSlowly").mockImplementation(function* () {
      isSearching = true
      const began = performance.now()
      while (performance.now() - began < 2 * UPKEEP_DUE_MS) yield
      isSearching = false
      return new Uint8Array()
    })
    using _upkeep = spyOn(DoctorIndex.prototype, "maintain").mockImplementation(() => {
      turns.push(isSearching)
      return true
    })
    const search = service.search({ ...placeOf(0), radius: 10, page: 1, limit: 20 }) as () => Promise<unknown>
    // A change that an index takes in is what upkeep comes after.
    await changeMany(stage, 1, 5)
    await until("upkeep has begun", () => turns.length > 0)
    const before = turns.length
    await Promise.all(Array.from({ length: SEARCHES }, search))
    expect(turns.length - before).toBeGreaterThanOrEqual(SEARCHES / 2)
    expect(turns).not.toContain(true)
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

test(
  "a search that goes on in slices while the index is loaded again finds what it would have found, and nothing is given back before it has",
  async () => {
    await using stage = await SearchStage.open({ doctors: 2_000 })
    const service = await stage.ready()
    const query = { ...placeOf(0), radius: 500, page: 1, limit: 20 }
    const expected = Buffer.from(service.search(query) as Uint8Array).toString()
    let isHeld = true
    const { searchSlowly } = DoctorIndex.prototype
    using _slow = spyOn(DoctorIndex.prototype, "searchUntil").mockReturnValue(undefined)
    using _held = spyOn(DoctorIndex.prototype, "searchSlowly").mockImplementation(function* (this: DoctorIndex, ...given) {
      while (isHeld) yield
      return yield* searchSlowly.apply(this, given)
    })
    const answer = (service.search(query) as () => Promise<Uint8Array>)()
    await stage.pool`update event_log set id = gen_random_uuid()`
    await until("it is to be loaded again", () => service.state === "loading")
    await Bun.sleep(RELEASED_MS)
    isHeld = false
    expect(Buffer.from(await answer).toString()).toBe(expected)
    await until("it is loaded again", () => service.state === "ready")
  },
  TIMEOUT_MS,
)
