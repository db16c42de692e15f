/** Five times what an api process can do, which is bounded by a Postgres whose answers take some milliseconds. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { figure } from "../scripts/testing/figures.ts"
import { doctorInput, type Person, person } from "./harness/api.ts"
import { type OneProcess, startProcess } from "./harness/one-process.ts"
import { type RawAnswer, RawCalls } from "./harness/raw-calls.ts"
import { type TestDatabase, type TestRedis, testDatabase, testRedis } from "./harness/services.ts"

/** Long beside what the machine does meanwhile: so the figures are of the queue, not of its other tenants. */
const QUERY_S = 0.02
/** Of each booking; they are written in groups. */
const INSERT_S = 0.003
const CONNECTIONS = 2
/** Enough to keep every connection to Postgres busy, and no more than are served at once. */
const CALLERS = 40
const ROUND_MS = 3_000
const TIMES = 5
/** Who waits longer has gone, and what is answered then was done for nobody. */
const PATIENCE_MS = 1_000
const GOODPUT_MIN = 0.8
const DOCTORS = 20
const SLOT_MS = 1_800_000
const FIRST_SLOT_MS = 3 * 86_400_000

type Outcome = number | "late"
type Stage = { database: TestDatabase; redis: TestRedis; api: OneProcess; calls: RawCalls; patient: Person }

async function openStage(): Promise<Stage> {
  const [database, redis] = [await testDatabase(), await testRedis()]
  const api = await startProcess("api", {
    NODE_ENV: "test",
    DATABASE_URL: database.url,
    DATABASE_POOL: String(CONNECTIONS),
    REDIS_HOST: redis.config.host,
    REDIS_PORT: String(redis.config.port),
    AUTH_DEV_TOKENS: "1",
    LOG_LEVEL: "silent",
  })
  const patient = person(api.url, "patient")
  expect((await patient.post("/patients", { name: "Pat" })).status).toBe(201)
  const calls = new RawCalls(Number(new URL(api.url).port), { authorization: `Bearer ${patient.token}` })
  return { database, redis, api, calls, patient }
}

async function closeStage({ database, redis, api, calls }: Stage): Promise<void> {
  calls.close()
  await api[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
}

function outcomeOf(answer: RawAnswer | undefined): Outcome {
  if (answer?.status === 503) expect(answer.head).toMatch(/\r\nretry-after: [1-9]/i)
  return answer?.status ?? "late"
}

/** Answers a second of this status when each caller asks as soon as it is answered. */
async function sustainable(call: () => Promise<Outcome>, served: number): Promise<number> {
  const end = performance.now() + ROUND_MS
  let answered = 0
  const caller = async () => {
    while (performance.now() < end) if ((await call()) === served) answered++
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
  return (answered / ROUND_MS) * 1000
}

/** Calls at a rate that waits for nobody. Of each outcome, how many; and how long refusals took. */
async function flood(call: () => Promise<Outcome>, perSecond: number) {
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
  return { outcomes, refusalMs: refusalMs.toSorted((a, b) => a - b) }
}

/** Fails unless an overload of these calls is served and refused as it should be. */
async function overload(what: string, call: () => Promise<Outcome>, served: number): Promise<void> {
  await sustainable(call, served)
  const best = await sustainable(call, served)
  const { outcomes, refusalMs } = await flood(call, TIMES * best)
  const share = ((outcomes[served] ?? 0) / ROUND_MS) * (1000 / best)
  const median = refusalMs[Math.floor(refusalMs.length / 2)] ?? 0
  const late = outcomes.late ?? 0
  figure(
    `${what}, best ${best.toFixed(0)}/s; at ${TIMES} times that: ${JSON.stringify(outcomes)}, ${late} late, ` +
      `goodput ÷ best ${share.toFixed(2)}, refused in ${median.toFixed(1)} ms`,
  )
  expect(Object.keys(outcomes).filter((o) => o !== String(served) && o !== "503" && o !== "429")).toEqual([])
  expect(share).toBeGreaterThanOrEqual(GOODPUT_MIN)
  expect(refusalMs.length).toBeGreaterThan(0)
  expect(median).toBeLessThan(PATIENCE_MS / 2)
  // Back to normal at once: nothing was left behind.
  expect(await sustainable(call, served)).toBeGreaterThan(best / 2)
}

describe("at five times the rate it can sustain, a process serves at least 0.8 of its best and refuses the others at once, with Retry-After:", () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 40_000)
  afterAll(() => closeStage(stage))

  /** Its trigger makes each booking slow; removed again, since reads are of the same table. */
  test("bookings, of which exactly those that were answered 201 are in the table", async () => {
    const { database, api, calls } = stage
    const doctors = await Promise.all(
      Array.from(
        { length: DOCTORS },
        async (_, n) => (await person(api.url, `doctor-${n}`).post("/doctors", doctorInput)).body.id as string,
      ),
    )
    await database.pool.unsafe(`
      create function be_slow() returns trigger language plpgsql as $$ begin perform pg_sleep(${INSERT_S}); return new; end $$;
      create trigger slow before insert on appointments for each row execute function be_slow()`)
    const base = Math.ceil((Date.now() + FIRST_SLOT_MS) / SLOT_MS) * SLOT_MS
    const booked: string[] = []
    let asked = 0
    const book = async () => {
      const n = asked++
      const input = { doctorId: doctors[n % DOCTORS], scheduledAt: new Date(base + Math.floor(n / DOCTORS) * SLOT_MS).toISOString() }
      const outcome = outcomeOf(await calls.post("/api/v1/appointments", input, PATIENCE_MS))
      if (outcome === 201) booked.push(`${input.doctorId} ${input.scheduledAt}`)
      return outcome
    }
    await overload("bookings", book, 201)
    const rows = await database.pool<{ doctorId: string; at: Date }[]>`select doctor_id as "doctorId", scheduled_at as at from appointments`
    expect(rows.map(({ doctorId, at }) => `${doctorId} ${at.toISOString()}`).toSorted()).toEqual(booked.toSorted())
    await database.pool`drop trigger slow on appointments`
  }, 60_000)

  test("reads", async () => {
    const { database, calls } = stage
    await database.pool`truncate appointments cascade`
    await database.pool`alter table appointments rename to quick_appointments`
    await database.pool.unsafe(
      `create view appointments as select * from quick_appointments where (select pg_sleep(${QUERY_S})) is not null`,
    )
    await database.pool`grant select on appointments to pulsecal_app`
    await overload("reads", async () => outcomeOf(await calls.get("/api/v1/appointments", PATIENCE_MS)), 200)
  }, 60_000)
})
