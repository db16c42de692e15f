/** Five times what an api process can do, which is bounded by a Postgres whose answers take some milliseconds. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { mintDevelopmentToken } from "../core/auth/development.ts"
import { type OneProcess, startProcess } from "./harness/one-process.ts"
import { RawCalls } from "./harness/raw-calls.ts"
import { type TestDatabase, type TestRedis, testDatabase, testRedis } from "./harness/services.ts"

/** Long beside what the machine does meanwhile: so the figures are of the queue, not of its other tenants. */
const QUERY_S = 0.02
const CONNECTIONS = 2
/** Enough to keep every connection to Postgres busy, and no more than are served at once. */
const CALLERS = 40
const ROUND_MS = 4_000
const TIMES = 5
/** Who waits longer has gone, and what is answered then was done for nobody. */
const PATIENCE_MS = 1_000
const GOODPUT_MIN = 0.8

let database: TestDatabase
let redis: TestRedis
let api: OneProcess
let calls: RawCalls

beforeAll(async () => {
  ;[database, redis] = [await testDatabase(), await testRedis()]
  await database.pool`alter table appointments rename to quick_appointments`
  await database.pool.unsafe(`create view appointments as select * from quick_appointments where (select pg_sleep(${QUERY_S})) is not null`)
  await database.pool`grant select on appointments to pulsecal_app`
  api = await startProcess("api", {
    NODE_ENV: "test",
    DATABASE_URL: database.url,
    DATABASE_POOL: String(CONNECTIONS),
    REDIS_HOST: redis.config.host,
    REDIS_PORT: String(redis.config.port),
    AUTH_DEV_TOKENS: "1",
    LOG_LEVEL: "silent",
  })
  const token = mintDevelopmentToken({ projectId: "demo-pulsecal", uid: "patient", expiresInSeconds: 3_600 })
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
  const made = await fetch(`${api.url}/api/v1/patients`, { method: "POST", headers, body: JSON.stringify({ name: "Pat" }) })
  expect(made.status).toBe(201)
  calls = new RawCalls(Number(new URL(api.url).port), { authorization: headers.authorization })
}, 40_000)
afterAll(async () => {
  calls.close()
  await api[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

async function call(): Promise<number | "late"> {
  const answer = await calls.get("/api/v1/appointments", PATIENCE_MS)
  if (answer?.status === 503) expect(answer.head).toMatch(/\r\nretry-after: [1-9]/i)
  return answer?.status ?? "late"
}

/** Answers a second when each caller asks as soon as it is answered. */
async function sustainable(): Promise<number> {
  const end = performance.now() + ROUND_MS
  let answered = 0
  const caller = async () => {
    while (performance.now() < end) if ((await call()) === 200) answered++
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
  return (answered / ROUND_MS) * 1000
}

/** Calls at a rate that waits for nobody. Of each outcome, how many; and how long refusals took. */
async function flood(perSecond: number) {
  const outcomes: Record<string, number> = {}
  const refusalMs: number[] = []
  const asking: Promise<void>[] = []
  const ask = async () => {
    const at = performance.now()
    const outcome = await call()
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    if (outcome === 503) refusalMs.push(performance.now() - at)
  }
  const started = performance.now()
  for (let sent = 0; performance.now() - started < ROUND_MS; await Bun.sleep(2))
    for (; sent < ((performance.now() - started) * perSecond) / 1000; sent++) asking.push(ask())
  await Promise.all(asking)
  return { outcomes, refusalMs: refusalMs.toSorted((a, b) => a - b), goodput: ((outcomes[200] ?? 0) / ROUND_MS) * 1000 }
}

test("at five times the rate it can sustain, a process serves at least 0.8 of its best and refuses the others at once, with Retry-After", async () => {
  await sustainable()
  const best = await sustainable()
  const { outcomes, refusalMs, goodput } = await flood(TIMES * best)
  const share = goodput / best
  const median = refusalMs[Math.floor(refusalMs.length / 2)] ?? 0
  console.log(
    `best ${best.toFixed(0)}/s; at ${TIMES} times: ${JSON.stringify(outcomes)}, goodput ${share.toFixed(2)}, refused in ${median.toFixed(1)} ms`,
  )
  expect(Object.keys(outcomes).filter((o) => o !== "200" && o !== "503" && o !== "429")).toEqual([])
  expect(share).toBeGreaterThanOrEqual(GOODPUT_MIN)
  expect(median).toBeLessThan(PATIENCE_MS / 2)
  // Back to normal at once: nothing was left behind.
  expect(await sustainable()).toBeGreaterThan(best / 2)
}, 60_000)
