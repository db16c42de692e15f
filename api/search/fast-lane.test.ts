import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import fc from "fast-check"
import { mintDevelopmentToken } from "../../core/auth/development.ts"
import { createVerifier } from "../../core/auth/firebase.ts"
import { readConfig } from "../../core/config.ts"
import type { SearchAnswer } from "../../core/doctors/search/schema.ts"
import { fillWorld, insertClinic, type TestDoctor } from "../../core/doctors/search/test-world.ts"
import { openLog } from "../../core/log.ts"
import { fetchDescribed, PROJECT } from "../../tests/harness/api.ts"
import { type TestDatabase, type TestRedis, testDatabase, testRedis, until } from "../../tests/harness/services.ts"
import { CallWindows } from "../call-windows.ts"
import { type Api, startApi } from "../server.ts"
import type { NearSearch } from "./answer.ts"
import { createFastLane, type FastLane } from "./fast-lane.ts"
import { BAD_QUERIES, mutatedQuery } from "./test-queries.ts"

const SEARCH = "http://localhost:3000/api/v1/doctors/search"
const NEAR = "latitude=40.7&longitude=-74.01&radius=50"
const READS_MAX = 5

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
  fast: FastLane
  /** The route, as if there were no fast lane. */
  ordinary: (request: Request) => Promise<Response>
  token: (uid?: string) => Promise<string>
}

/** Both lanes with the same settings, each with its own count of calls; `around` puts something between the fast one and the index. */
async function lanes(settings: Record<string, string> = {}, around = (index: NearSearch) => index): Promise<Lanes> {
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
  const fast = createFastLane({
    index: around(api.searchIndex),
    verifier,
    reads,
    fetch: api.app.fetch,
    origins: config.corsOrigins,
    log,
    observe: undefined,
  })
  const token = async (uid = `uid-${Bun.randomUUIDv7()}`) => {
    const minted = mintDevelopmentToken({ projectId: PROJECT, uid, expiresInSeconds: 3600 })
    await verifier.verify(minted)
    return minted
  }
  const someone = await token()
  await until("the headers are learned", () => fast(asked(someone, "limit=0")) !== undefined)
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

  test("answers with the status, the headers and the body of the route, whatever the origin and the settings", async () => {
    for (const settings of configs) {
      await using both = await lanes({ RATE_LIMIT_READS_PER_MINUTE: "100", ...settings })
      const token = await both.token()
      for (const origin of origins) {
        const headers: Record<string, string> = origin === undefined ? {} : { origin }
        const fast = both.fast(asked(token, NEAR, { headers }))
        expect(fast).toBeDefined()
        const ordinary = await both.ordinary(asked(token, NEAR, { headers }))
        expect(ordinary.headers.get("server-timing")).toBe('search;desc="index"')
        expect(await seen(fast as Response)).toEqual(await seen(ordinary))
      }
    }
  })

  test("answers every ordinary query as the route does, and as SQL does", async () => {
    await using both = await lanes({ RATE_LIMIT: "0" })
    await using bySql = await lanes({ RATE_LIMIT: "0", SEARCH_INDEX_MAX_MB: "0" })
    const token = await both.token()
    for (const more of ["", "&specialization=cardiology", "&name=osei+1", "&city=New%20York&limit=3&page=2", "&minFee=110&maxFee=120.5"]) {
      const answers = await Promise.all([
        both.fast(asked(token, NEAR + more))?.json(),
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
      const [fast, ordinary] = [both.fast(asked(token, query, { headers })), await both.ordinary(asked(token, query, { headers }))]
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
        both.fast(asked(token, NEAR, { headers: { "x-request-id": own } })),
        await both.ordinary(asked(token, NEAR, { headers: { "x-request-id": own } })),
      ]
      expect(fast?.headers.get("x-request-id") === own).toBe(ordinary.headers.get("x-request-id") === own)
    }
    const ids = new Set(Array.from({ length: 1_000 }, () => both.fast(asked(token))?.headers.get("x-request-id")))
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
      asked(token, "city=Paris"),
      new Request(`${SEARCH}`, { headers: { authorization: `Bearer ${token}` } }),
      new Request(`${SEARCH}/?${NEAR}`, { headers: { authorization: `Bearer ${token}` } }),
      new Request(`http://localhost/api/v1/doctors/x?/api/v1/doctors/search?${NEAR}`, { headers: { authorization: `Bearer ${token}` } }),
    ]
    for (const request of others) expect([request.url, both.fast(request)]).toEqual([request.url, undefined])
    // None of them was counted.
    for (let left = READS_MAX - 1; left >= 0; left--)
      expect(both.fast(asked(token))?.headers.get("ratelimit")).toMatch(new RegExp(`^"reads";r=${left};t=(59|60)$`))
    expect(both.fast(asked(token))).toBeUndefined()
    expect(both.fast(asked(await both.token()))?.status).toBe(200)
  })

  test("leaves the request to the route, uncounted, while the index cannot answer and when it fails", async () => {
    let answer: NearSearch["search"] = () => undefined
    let own: NearSearch | undefined
    await using both = await lanes({}, (index) => {
      own = index
      return { search: (query) => answer(query) }
    })
    const token = await both.token()
    for (let i = 0; i < READS_MAX; i++) expect(both.fast(asked(token))).toBeUndefined()
    answer = () => {
      throw new Error("a bug")
    }
    expect(both.fast(asked(token))).toBeUndefined()
    answer = (query) => own?.search(query)
    expect(both.fast(asked(token))?.headers.get("ratelimit")).toStartWith(`"reads";r=${READS_MAX - 1};`)
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
