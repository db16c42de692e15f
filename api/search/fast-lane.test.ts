import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import fc from "fast-check"
import { mintDevelopmentToken } from "../../core/auth/development.ts"
import { createVerifier } from "../../core/auth/firebase.ts"
import { CallWindows } from "../../core/call-windows.ts"
import { readConfig } from "../../core/config.ts"
import { openPool } from "../../core/db.ts"
import type { SearchAnswer } from "../../core/doctors/search/schema.ts"
import type { SearchDb } from "../../core/doctors/search/search.ts"
import { fillWorld, insertClinic, type TestDoctor } from "../../core/doctors/search/test-world.ts"
import { openLog } from "../../core/log.ts"
import { fetchDescribed, PROJECT } from "../../tests/harness/api.ts"
import { type TestDatabase, type TestRedis, testDatabase, testRedis, until } from "../../tests/harness/services.ts"
import { Admission } from "../admission.ts"
import { type Api, startApi } from "../server.ts"
import type { NearSearch } from "./answer.ts"
import { createFastLane } from "./fast-lane.ts"
import { BAD_QUERIES, mutatedQuery } from "./test-queries.ts"

const SEARCH = "http://localhost:3000/api/v1/doctors/search"
const NEAR = "latitude=40.7&longitude=-74.01&radius=50"
const READS_MAX = 5
/** An index that is not ready. */
const NOTHING = (): NearSearch => ({ search: () => undefined })
/** One in which every search takes long, and some that come to nothing. */
const atLength = (index: NearSearch): NearSearch => ({
  search: (query) => async () => {
    await Bun.sleep(1)
    const found = index.search(query)
    return found instanceof Uint8Array ? found.slice() : undefined
  },
})
const droppedMeanwhile = (): NearSearch => ({ search: () => async () => undefined })
const failingLater = (): NearSearch => ({ search: () => () => Promise.reject(new Error("a bug")) })

const doctors: TestDoctor[] = Array.from({ length: 40 }, (_, i) => ({
  id: Bun.randomUUIDv7(),
  name: `Ada Osei ${i}`,
  specialization: i % 2 ? "Cardiology" : "Dermatology",
  clinicName: "Harbour Clinic",
  city: "New York",
  fee: 100 + i,
  active: true,
  latitude: 40.7 + i / 1000,
  longitude: -74.01,
}))

let database: TestDatabase
let redis: TestRedis
beforeAll(async () => {
  ;[database, redis] = await Promise.all([testDatabase(), testRedis()])
  await insertClinic(database.pool)
  await fillWorld(database.pool, doctors)
})
afterAll(async () => {
  await redis[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

type Lanes = AsyncDisposable & {
  /** Undefined where it leaves the request to the route. */
  fast: (request: Request) => Promise<Response | undefined>
  /** The route, as if there were no fast lane. */
  ordinary: (request: Request) => Promise<Response>
  token: (uid?: string) => Promise<string>
}

type Between = { index?: (index: NearSearch) => NearSearch; db?: SearchDb; admission?: Admission }

/** Both lanes with the same settings, each with its own count of calls; the fast one may have something else between it and the doctors. */
async function lanes(settings: Record<string, string> = {}, between: Between = {}): Promise<Lanes> {
  const config = readConfig({
    DATABASE_URL: database.url,
    REDIS_HOST: redis.config.host,
    REDIS_PORT: String(redis.config.port),
    AUTH_DEV_TOKENS: "1",
    LOG_LEVEL: "silent",
    RATE_LIMIT: "1",
    RATE_LIMIT_READS_PER_MINUTE: String(READS_MAX),
    ...settings,
  })
  const log = openLog("api", "silent")
  const api: Api = startApi({ ...config, host: "127.0.0.1", port: 0 }, log)
  await until("the index is there, or never will be", () => api.searchIndex.state !== "loading")
  const verifier = createVerifier(config.auth)
  const reads = config.rateLimit.on ? new CallWindows(config.rateLimit.readsPerMinute, 60) : undefined
  const lane = createFastLane({
    index: between.index?.(api.searchIndex) ?? api.searchIndex,
    db: between.db ?? { pool: database.pool, near: database.pool },
    admission: between.admission ?? new Admission(READS_MAX),
    verifier,
    reads,
    fetch: api.app.fetch,
    origins: config.corsOrigins,
    log,
    observe: undefined,
  })
  const fast = async (request: Request) => await lane(request)
  const token = async (uid = `uid-${Bun.randomUUIDv7()}`) => {
    const minted = mintDevelopmentToken({ projectId: PROJECT, uid, expiresInSeconds: 3600 })
    await verifier.verify(minted)
    return minted
  }
  const someone = await token()
  await until("the headers are learned", async () => (await fast(asked(someone, "limit=0"))) !== undefined)
  return {
    fast,
    ordinary: async (request) => await api.app.fetch(request),
    token,
    [Symbol.asyncDispose]: () => api.stop(),
  }
}

const asked = (token: string, query = NEAR, init: { method?: string; body?: string; headers?: Record<string, string> } = {}) =>
  new Request(`${SEARCH}?${query}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } })

/** Everything a client can see but the id, which is no two answers' own. */
async function seen(response: Response): Promise<unknown> {
  const headers = Object.fromEntries([...response.headers].filter(([name]) => name !== "x-request-id"))
  return {
    status: response.status,
    headers,
    id: /^[\w-]{36}$/.test(response.headers.get("x-request-id") ?? ""),
    body: await response.text(),
  }
}

describe("the fast lane", () => {
  const configs: Record<string, string>[] = [
    { CORS_ORIGIN: "" },
    { CORS_ORIGIN: "*" },
    { CORS_ORIGIN: "https://app.example.com,https://desk.example.com" },
    { CORS_ORIGIN: "https://app.example.com", RATE_LIMIT: "0" },
  ]
  const origins = [undefined, "https://app.example.com", "https://desk.example.com", "https://evil.example", "null", ""]

  const paths: [string, Record<string, string>, string][] = [
    ["index", {}, NEAR],
    ["sql-near", { SEARCH_INDEX_MAX_MB: "0" }, NEAR],
    ["sql-near-named", { SEARCH_INDEX_MAX_MB: "0" }, `${NEAR}&name=osei`],
    ["sql-listing", { SEARCH_INDEX_MAX_MB: "0" }, "city=New+York"],
  ]
  test.each(paths)(
    "answers with the status, the headers and the body of the route, whatever the origin and the settings: by %s",
    async (path, own, query) => {
      for (const settings of configs) {
        await using both = await lanes({ RATE_LIMIT_READS_PER_MINUTE: "100", ...own, ...settings })
        const token = await both.token()
        for (const origin of origins) {
          const headers: Record<string, string> = origin === undefined ? {} : { origin }
          const fast = await both.fast(asked(token, query, { headers }))
          expect(fast).toBeDefined()
          const ordinary = await both.ordinary(asked(token, query, { headers }))
          expect(ordinary.headers.get("server-timing")).toBe(`search;desc="${path}"`)
          expect(await seen(fast as Response)).toEqual(await seen(ordinary))
        }
      }
    },
  )

  test("answers what takes the index long as the route does what takes it short, each caller with their own", async () => {
    await using both = await lanes({ RATE_LIMIT: "0" }, { index: atLength })
    const token = await both.token()
    const queries = Array.from({ length: READS_MAX }, (_, n) => `${NEAR}&limit=${n + 1}`)
    const answers = await Promise.all(queries.map((query) => both.fast(asked(token, query))))
    for (const [n, answer] of answers.entries())
      expect(await seen(answer as Response)).toEqual(await seen(await both.ordinary(asked(token, queries[n]))))
  })

  test("answers by SQL, and says so, where the index is gone before its search has ended", async () => {
    await using both = await lanes({ RATE_LIMIT: "0" }, { index: droppedMeanwhile })
    const token = await both.token()
    const answer = await both.fast(asked(token))
    expect(answer?.headers.get("server-timing")).toBe('search;desc="sql-near"')
    expect(await answer?.text()).toBe(await (await both.ordinary(asked(token))).text())
  })

  test("answers every ordinary query as the route does, and as SQL does", async () => {
    await using both = await lanes({ RATE_LIMIT: "0" })
    await using bySql = await lanes({ RATE_LIMIT: "0", SEARCH_INDEX_MAX_MB: "0" })
    const token = await both.token()
    for (const more of ["", "&specialization=cardiology", "&name=osei+1", "&city=New%20York&limit=3&page=2", "&minFee=110&maxFee=120.5"]) {
      const answers = await Promise.all([
        both.fast(asked(token, NEAR + more)).then((r) => r?.json()),
        both.ordinary(asked(token, NEAR + more)).then((r) => r.json()),
        bySql.ordinary(asked(token, NEAR + more)).then((r) => r.json()),
      ])
      expect((answers[0] as SearchAnswer).data.length).toBeGreaterThan(0)
      expect(answers[0]).toEqual(answers[1])
      expect(answers[0]).toEqual(answers[2])
    }
  })

  test("refuses bad queries with the status, the headers and the problem of the route", async () => {
    await using both = await lanes({ RATE_LIMIT: "0", CORS_ORIGIN: "https://app.example.com" })
    const token = await both.token()
    const headers = { origin: "https://app.example.com" }
    let refusals = 0
    const compare = async (query: string) => {
      const [fast, ordinary] = [await both.fast(asked(token, query, { headers })), await both.ordinary(asked(token, query, { headers }))]
      if (!fast) return
      expect(await seen(fast)).toEqual(await seen(ordinary))
      if (fast.status === 400) refusals++
    }
    for (const { query } of BAD_QUERIES) await compare(query)
    expect(refusals).toBe(BAD_QUERIES.length)
    for (const query of fc.sample(mutatedQuery, 500)) await compare(query)
  }, 30_000)

  test("keeps a caller's plain request id, and gives every other answer one of its own", async () => {
    await using both = await lanes({ RATE_LIMIT: "0" })
    const token = await both.token()
    for (const own of ["abc-123_=", "x".repeat(255), "x".repeat(256), "a b", "a/b", '"', "ü"]) {
      const [fast, ordinary] = [
        await both.fast(asked(token, NEAR, { headers: { "x-request-id": own } })),
        await both.ordinary(asked(token, NEAR, { headers: { "x-request-id": own } })),
      ]
      expect(fast?.headers.get("x-request-id") === own).toBe(ordinary.headers.get("x-request-id") === own)
    }
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => both.fast(asked(token))))
    const ids = new Set(answers.map((answer) => answer?.headers.get("x-request-id")))
    expect(ids.size).toBe(1_000)
  })

  test("leaves to the route who is not known, who is over the limit, and whatever is no plain search", async () => {
    await using both = await lanes()
    const token = await both.token()
    const others = [
      new Request(`${SEARCH}?${NEAR}`),
      asked(`${token}x`),
      asked("forged.token."),
      new Request(`${SEARCH}?${NEAR}`, { headers: { authorization: token } }),
      new Request(`${SEARCH}?${NEAR}`, { headers: { authorization: `Basic ${token}` } }),
      asked(token, NEAR, { method: "HEAD" }),
      asked(token, NEAR, { method: "POST", body: "{}" }),
      asked(token, NEAR, { headers: { "content-length": "1" } }),
      new Request(`${SEARCH}`, { headers: { authorization: `Bearer ${token}` } }),
      new Request(`${SEARCH}/?${NEAR}`, { headers: { authorization: `Bearer ${token}` } }),
      new Request(`http://localhost/api/v1/doctors/x?/api/v1/doctors/search?${NEAR}`, { headers: { authorization: `Bearer ${token}` } }),
    ]
    for (const request of others) expect([request.url, await both.fast(request)]).toEqual([request.url, undefined])
    // None of them was counted.
    for (let left = READS_MAX - 1; left >= 0; left--)
      expect((await both.fast(asked(token)))?.headers.get("ratelimit")).toMatch(new RegExp(`^"reads";r=${left};t=(59|60)$`))
    expect(await both.fast(asked(token))).toBeUndefined()
    expect((await both.fast(asked(await both.token())))?.status).toBe(200)
  })

  test("leaves the request to the route, uncounted, where the index fails, SQL fails, or too many are served", async () => {
    const gone = openPool(database.url, { max: 1, name: "gone" })
    await gone.end()
    const failing = () => {
      throw new Error("a bug")
    }
    const faults: Between[] = [
      { index: () => ({ search: failing }) },
      { index: failingLater },
      { index: NOTHING, db: { pool: gone, near: gone } },
      { index: NOTHING, admission: new Admission(0) },
    ]
    for (const between of faults) {
      const room = new Admission(1)
      await using both = await lanes({}, { admission: room, ...between })
      const token = await both.token()
      for (let i = 0; i <= READS_MAX; i++) expect(await both.fast(asked(token))).toBeUndefined()
      expect((await both.fast(asked(token, "limit=0")))?.headers.get("ratelimit")).toStartWith(`"reads";r=${READS_MAX - 1};`)
      expect(room.hasRoom).toBe(true)
    }
  })

  test.each<[string, NonNullable<Between["index"]>]>([
    ["SQL", NOTHING],
    ["the index", atLength],
  ])("counts calls that wait for %s, so that nobody has more than the limit by asking all at once", async (_, index) => {
    await using both = await lanes({}, { index, admission: new Admission(2 * READS_MAX) })
    const token = await both.token()
    const answers = await Promise.all(Array.from({ length: 2 * READS_MAX }, () => both.fast(asked(token))))
    expect(answers.filter((answer) => answer?.status === 200).length).toBe(READS_MAX)
    expect(await both.fast(asked(token))).toBeUndefined()
  })

  test.each<[string, NonNullable<Between["index"]>]>([
    ["SQL", NOTHING],
    ["the index", atLength],
  ])("lets no more wait for %s at once than are let in", async (_, index) => {
    await using both = await lanes({}, { index, admission: new Admission(2) })
    const token = await both.token()
    const answers = await Promise.all(Array.from({ length: 4 }, () => both.fast(asked(token))))
    expect(answers.map((answer) => answer?.status)).toEqual([200, 200, undefined, undefined])
  })
})

test("over HTTP both lanes count the same calls of a caller, and the call beyond the limit is refused", async () => {
  const config = readConfig({
    DATABASE_URL: database.url,
    REDIS_HOST: redis.config.host,
    REDIS_PORT: String(redis.config.port),
    AUTH_DEV_TOKENS: "1",
    RATE_LIMIT: "1",
    RATE_LIMIT_READS_PER_MINUTE: "6",
  })
  const api = startApi({ ...config, host: "127.0.0.1", port: 0 }, openLog("api", "silent"))
  await until("the index is ready", () => api.searchIndex.state === "ready")
  const token = mintDevelopmentToken({ projectId: PROJECT, uid: "someone", expiresInSeconds: 3600 })
  const left: (string | null | undefined)[] = []
  for (const query of [NEAR, NEAR, `${NEAR}&unknown=1`, NEAR, "latitude=91&longitude=1", NEAR, NEAR]) {
    const answer = await fetchDescribed(`${api.url}/api/v1/doctors/search?${query}`, { headers: { authorization: `Bearer ${token}` } })
    left.push(`${answer.status} ${answer.headers.get("ratelimit")?.match(/r=(\d+)/)?.[1]}`)
    await answer.text()
  }
  expect(left).toEqual(["200 5", "200 4", "200 3", "200 2", "400 1", "200 0", "429 0"])
  await api.stop()
})
