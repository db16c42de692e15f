import { afterAll, beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import {
  anchor,
  doctorAt,
  fillWorld,
  filtersAndPage,
  insertClinic,
  type Place,
  placeNear,
  type TestDoctor,
} from "../core/doctors/search/test-world.ts"
import { clinicOf, doctorInput, fetchDescribed, request, type TestApi, testApi } from "../tests/harness/api.ts"
import { scrape, valueIn } from "../tests/harness/metrics.ts"
import { freePort, until } from "../tests/harness/services.ts"

/** What a change may take to be seen, by the contract. */
const VISIBLE_WITHIN_MS = 1_000
const TIMEOUT_MS = 60_000

/** One that searches by SQL alone, and has the database. */
let sql: TestApi
beforeAll(async () => {
  sql = await testApi({ SEARCH_INDEX_MAX_MB: "0" })
  await insertClinic(sql.database.pool)
})
afterAll(() => sql[Symbol.asyncDispose]())

/** Another API process on the same database and Redis. */
async function another(settings: Record<string, string> = {}): Promise<TestApi> {
  const api = await testApi({ DATABASE_URL: sql.database.url, REDIS_PORT: String(sql.redis.config.port), ...settings })
  await until("it has an index", async () => (await checks(api)).searchIndex === "ready")
  return api
}

const checks = async (api: TestApi) => (await request(`${api.url}/health/ready`)).body.checks

async function search(api: TestApi, query: string) {
  const response = await fetchDescribed(`${api.url}/api/v1/doctors/search?${query}`, {
    headers: { authorization: `Bearer ${sql.person("reader").token}` },
  })
  const [, path] = /^search;desc="([a-z-]+)"$/.exec(response.headers.get("server-timing") ?? "") ?? []
  return { status: response.status, type: response.headers.get("content-type"), text: await response.text(), path }
}

const around = ({ latitude, longitude }: Place, radius = 1) => `latitude=${latitude}&longitude=${longitude}&radius=${radius}`
const idsAround = async (api: TestApi, place: Place): Promise<string[]> =>
  JSON.parse((await search(api, around(place))).text).data.map((d: { id: string }) => d.id)

test(
  "what a doctor changes is seen by searches on every API process within a second: a move, a new name, an end, a new beginning",
  async () => {
    await using first = await another()
    await using second = await another()
    const { doctor, doctorId } = await clinicOf(first)
    const old = { latitude: doctorInput.clinicLatitude, longitude: doctorInput.clinicLongitude }
    const moved = { latitude: -41.29, longitude: 174.78 }
    const everywhere = async (what: string, sees: (api: TestApi) => Promise<boolean>) => {
      for (const api of [first, second]) await until(what, () => sees(api), VISIBLE_WITHIN_MS)
      expect(await sees(sql)).toBe(true)
    }
    await everywhere("the newcomer", async (api) => (await idsAround(api, old)).includes(doctorId))
    await doctor.patch("/doctors/me", { clinicLatitude: moved.latitude, clinicLongitude: moved.longitude })
    await everywhere("the new place alone", async (api) => {
      const [there, here] = [await idsAround(api, moved), await idsAround(api, old)]
      return there.includes(doctorId) && !here.includes(doctorId)
    })
    await doctor.patch("/doctors/me", { name: "Dr. Moana Pōhutukawa", clinicName: "Te Aro" })
    await everywhere("the new names", async (api) =>
      (await search(api, `${around(moved)}&name=pohutu&clinicName=te%20aro`)).text.includes("Moana Pōhutukawa"),
    )
    await doctor.patch("/doctors/me", { active: false })
    await everywhere("nobody", async (api) => !(await idsAround(api, moved)).includes(doctorId))
    await doctor.patch("/doctors/me", { active: true })
    await everywhere("the doctor again", async (api) => (await idsAround(api, moved)).includes(doctorId))
    expect((await search(first, around(moved))).path).toBe("index")
  },
  TIMEOUT_MS,
)

test("a distance of nearly 500 km is told to the metre, on a sphere of 6371.0088 km, by SQL and by the index", async () => {
  const [doctor] = fc.sample(doctorAt(fc.constant({ latitude: 4.49, longitude: 7 })), { numRuns: 1, seed: 1 }) as [TestDoctor]
  await fillWorld(sql.database.pool, [{ ...doctor, active: true }])
  await using indexed = await another()
  const paths = []
  for (const api of [sql, indexed]) {
    const { text, path } = await search(api, around({ latitude: 0, longitude: 7 }, 500))
    paths.push(path)
    // 4.49 degrees of a meridian are 499.2659 km.
    expect(text).toContain('"distanceKm":499.266}')
  }
  expect(paths).toEqual(["sql-near", "index"])
})

const world = fc.tuple(anchor, fc.constantFrom(1, 20, 300)).chain(([centre, km]) =>
  fc.record({
    doctors: fc.uniqueArray(doctorAt(placeNear(centre, km)), { selector: (d) => d.id, minLength: 200, maxLength: 600, size: "max" }),
    asked: fc.array(
      fc.record({
        from: fc.option(placeNear(centre, km), { nil: undefined, freq: 10 }),
        radius: fc.constantFrom(undefined, 0.001, 0.5, 3, 25, 26, 100, 500),
        filters: filtersAndPage,
      }),
      { minLength: 100, maxLength: 100 },
    ),
  }),
)

test(
  "index and SQL answer every query with the same bytes: any position, radius, filters and page",
  async () => {
    await fc.assert(
      fc.asyncProperty(world, async ({ doctors, asked }) => {
        await fillWorld(sql.database.pool, doctors)
        await using indexed = await another()
        for (const { from, radius, filters } of asked) {
          const given = Object.entries({ ...from, radius, ...filters }).flatMap(([k, v]) => (v === undefined ? [] : [[k, String(v)]]))
          const query = new URLSearchParams(given as [string, string][]).toString()
          const [byIndex, bySql] = await Promise.all([search(indexed, query), search(sql, query)])
          expect(byIndex).toEqual({ ...bySql, path: from === undefined ? "sql-listing" : "index" })
          expect([bySql.status, bySql.type, bySql.path]).toEqual([200, "application/json", expect.stringMatching(/^sql-/)])
        }
      }),
      { numRuns: 5, endOnFailure: true },
    )
  },
  TIMEOUT_MS,
)

test("readiness tells of the index and does not wait for it; metrics tell its state, size and how far it has read", async () => {
  expect((await checks(sql)).searchIndex).toBe("off")
  await using api = await another({ METRICS_PORT: String(await freePort()) })
  const series = await scrape(api.metricsPort)
  const state = (name: string) => valueIn(series, "pulsecal_search_index_state", { state: name })
  expect(["off", "loading", "ready", "too_large"].map(state)).toEqual([0, 0, 1, 0])
  expect(valueIn(series, "pulsecal_search_index_doctors")).toBeGreaterThan(0)
  expect(valueIn(series, "pulsecal_search_index_bytes")).toBeGreaterThan(0)
  expect(valueIn(series, "pulsecal_search_index_load_seconds")).toBeGreaterThan(0)
  expect(valueIn(series, "pulsecal_search_index_slow_searches_total")).toBe(0)
  expect(valueIn(series, "pulsecal_consumer_lag_events", { messaging_consumer_group_name: "search" })).toBe(0)
})

test("a process whose index is larger than it may be goes on by SQL, and says so in its readiness, which does not fail, and its metrics", async () => {
  const doctors = fc.sample(doctorAt(placeNear({ latitude: 1, longitude: 1 }, 5)), { numRuns: 4_000, seed: 1 })
  await fillWorld(sql.database.pool, doctors)
  await using api = await testApi({
    DATABASE_URL: sql.database.url,
    REDIS_PORT: String(sql.redis.config.port),
    SEARCH_INDEX_MAX_MB: "1",
    METRICS_PORT: String(await freePort()),
  })
  await until("it is given up", async () => (await checks(api)).searchIndex === "too_large")
  expect((await request(`${api.url}/health/ready`)).status).toBe(200)
  const here = around({ latitude: 1, longitude: 1 })
  expect(await search(api, here)).toEqual(await search(sql, here))
  const series = await scrape(api.metricsPort)
  expect(valueIn(series, "pulsecal_search_index_state", { state: "too_large" })).toBe(1)
  expect(valueIn(series, "pulsecal_search_index_bytes")).toBe(0)
  expect(valueIn(series, "pulsecal_consumer_lag_events", { messaging_consumer_group_name: "search" })).toBeUndefined()
})

const MANY = 20_000
/** Nothing is promised of it here: a machine that is busy with other tests takes its time. */
const LOADED_WITHIN_MS = 30_000

test(
  "an API that loads its index answers by SQL, as it says in its readiness, and once it is ready the index answers the very same bytes",
  async () => {
    const here = { latitude: 48.2, longitude: 16.37 }
    const doctors = fc.sample(doctorAt(placeNear(here, 30)), { numRuns: MANY, seed: 3 })
    await fillWorld(sql.database.pool, [...new Map(doctors.map((d) => [d.id, d])).values()])
    // Whoever loads asks first where the log ends. Searches by SQL do not ask.
    const holder = await sql.database.pool.reserve()
    await holder`begin`
    await holder`lock table event_log`
    await using api = await testApi({ DATABASE_URL: sql.database.url, REDIS_PORT: String(sql.redis.config.port) })
    const query = `${around(here, 20)}&limit=100&specialization=cardiology`
    const sample = async () => {
      const [before, answer, after] = [await checks(api), await search(api, query), await checks(api)]
      return { ...answer, states: [before.searchIndex, after.searchIndex] }
    }
    const held = [await sample(), await sample(), await sample()]
    await holder`commit`
    holder.release()
    const samples = [...held]
    await until(
      "the index answers",
      async () => {
        samples.push(await sample())
        return samples.at(-1)?.path === "index"
      },
      LOADED_WITHIN_MS,
    )
    const { text, status, type } = await search(sql, query)
    expect([status, JSON.parse(text).data.length]).toEqual([200, 100])
    for (const { path, states, ...answer } of samples) {
      expect(answer).toEqual({ status, type, text })
      if (states.join() === "loading,loading") expect(path).toBe("sql-near")
      if (states.join() === "ready,ready") expect(path).toBe("index")
    }
    expect(held.map(({ states }) => states)).toEqual(held.map(() => ["loading", "loading"]))
    expect(await sample()).toMatchObject({ path: "index", text, states: ["ready", "ready"] })
  },
  TIMEOUT_MS,
)
