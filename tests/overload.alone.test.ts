/** Five times what an api process can do, bounded by a Postgres whose answers take some milliseconds, or by its own processor. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { figure } from "../scripts/testing/figures.ts"
import { doctorInput, type Person, person } from "./harness/api.ts"
import { processorSeconds } from "./harness/metrics.ts"
import { type OneProcess, startProcess } from "./harness/one-process.ts"
import { RawCalls } from "./harness/raw-calls.ts"
import { type TestDatabase, type TestRedis, testDatabase, testRedis } from "./harness/services.ts"
import { openCallers } from "./overload-callers.ts"
import { type Flooded, inOneRound, type Measures, measuresOf, outcomeOf, PATIENCE_MS, perSecond } from "./overload-measure.ts"
import { insertAppointments } from "./overload-world.ts"

/** Long beside what the machine does meanwhile: so the figures are of the queue, not of its other tenants. */
const QUERY_S = 0.02
/** Of each booking; they are written in groups. */
const INSERT_S = 0.005
const CONNECTIONS = 2
/** Large answers: where a refusal costs more than a sixteenth of one, four for each leave less than 0.8 of the processor. */
const PAGE = 100
const READS_A_MINUTE = 200
/** Many times the limit, and little for the machine. */
const FLOOD_PER_SECOND = 500
const LOOK_MS = 100
const TIMES = 5
const GOODPUT_MIN = 0.8
const REFUSAL_MEDIAN_MAX_MS = PATIENCE_MS / 2
const REFUSAL_P99_MAX_MS = 0.9 * PATIENCE_MS
const FLOODS = 5
const DOCTORS = 20
const SLOT_MS = 1_800_000
const FIRST_SLOT_MS = 3 * 86_400_000

type Stage = { database: TestDatabase; redis: TestRedis; api: OneProcess; calls: RawCalls; patient: Person }

async function openStage(settings: Record<string, string>): Promise<Stage> {
  const [database, redis] = [await testDatabase(), await testRedis()]
  const api = await startProcess("api", {
    NODE_ENV: "test",
    DATABASE_URL: database.url,
    REDIS_HOST: redis.config.host,
    REDIS_PORT: String(redis.config.port),
    AUTH_DEV_TOKENS: "1",
    LOG_LEVEL: "silent",
    ...settings,
  })
  const patient = person(api.url, "patient")
  expect((await patient.post("/patients", { name: "Pat" })).status).toBe(201)
  const calls = new RawCalls(portOf(api), { authorization: `Bearer ${patient.token}` })
  return { database, redis, api, calls, patient }
}

const portOf = (api: OneProcess) => Number(new URL(api.url).port)

async function closeStage({ database, redis, api, calls }: Stage): Promise<void> {
  calls.close()
  await api[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
}

/** `share`: of the best, how much was served. */
type Judged = { flooded: Flooded; share: number }

/**
 * Fails unless a flood is served and refused as it should be, in one of some: who else uses the machine can make them slower, never quicker,
 * and the first two seconds of a flood are a burst to a process, which it serves however late.
 */
async function judge(what: string, served: number, best: number, flood: () => Promise<Judged>): Promise<void> {
  let judged = await flood()
  for (let n = 1; n < FLOODS && !isQuiet(judged); n++) judged = await flood()
  const { outcomes, refusals } = judged.flooded
  figure(
    `${what}, best ${best.toFixed(0)}/s; at ${TIMES} times that: ${JSON.stringify(outcomes)}, ${outcomes.late ?? 0} late, ` +
      `goodput ÷ best ${judged.share.toFixed(2)}, refused in ${refusals.median.toFixed(1)} ms, p99 ${refusals.p99.toFixed(1)}`,
  )
  expect(Object.keys(outcomes).filter((o) => ![String(served), "503", "429"].includes(o))).toEqual([])
  expect(judged.share).toBeGreaterThanOrEqual(GOODPUT_MIN)
  expect(refusals.count).toBeGreaterThan(0)
  expect(refusals.median).toBeLessThan(REFUSAL_MEDIAN_MAX_MS)
  expect(refusals.p99).toBeLessThan(REFUSAL_P99_MAX_MS)
}

const isQuiet = ({ share, flooded: { outcomes, refusals } }: Judged) =>
  share >= GOODPUT_MIN && outcomes.late === undefined && refusals.median < REFUSAL_MEDIAN_MAX_MS && refusals.p99 < REFUSAL_P99_MAX_MS

async function overload(what: string, { sustainable, flood }: Measures, served: number): Promise<void> {
  await sustainable(served)
  const best = await sustainable(served)
  await judge(what, served, best, async () => {
    const flooded = await flood(TIMES * best)
    return { flooded, share: perSecond(flooded.inRound[served] ?? 0) / best }
  })
  // Back to normal at once: nothing was left behind.
  expect(await sustainable(served)).toBeGreaterThan(best / 2)
}

/** Of the processor's seconds, not the clock's: who else uses the machine takes of those, but not of what can be done in one of these. */
async function overloadOfProcessor(what: string, { sustainable, flood }: Measures, spent: () => Promise<number>): Promise<void> {
  const during = async <T>(work: () => Promise<T>) => {
    const before = await spent()
    return { done: await work(), seconds: (await spent()) - before }
  }
  await sustainable(200)
  const best = await during(() => sustainable(200))
  const secondsEach = best.seconds / inOneRound(best.done)
  await judge(`${what} (${(1000 * secondsEach).toFixed(1)} ms of the processor each)`, 200, best.done, async () => {
    const { done: flooded, seconds } = await during(() => flood(TIMES * best.done))
    return { flooded, share: ((flooded.outcomes[200] ?? 0) * secondsEach) / seconds }
  })
}

describe("at five times the rate it can sustain, a process serves at least 0.8 of its best and refuses the others at once, with Retry-After:", () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage({ DATABASE_POOL: String(CONNECTIONS) })
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
    await overload("bookings", measuresOf(book), 201)
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
    await overload(
      "reads",
      measuresOf(async () => outcomeOf(await calls.get("/api/v1/appointments", PATIENCE_MS))),
      200,
    )
  }, 60_000)
})

describe("where a process's own work is what takes time,", () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage({})
    const doctor = await person(stage.api.url, "doctor").post("/doctors", doctorInput)
    await insertAppointments(stage.database.pool, doctor.body.id, "patient", PAGE)
  }, 60_000)
  afterAll(() => closeStage(stage))

  test("at five times the rate it can sustain it serves as many reads in a second of its processor as at least 0.8 of its best, and refuses the others at once", async () => {
    const { api, patient } = stage
    await using callers = await openCallers({
      port: portOf(api),
      token: patient.token,
      path: `/api/v1/appointments?limit=${PAGE}`,
      patienceMs: PATIENCE_MS,
    })
    await overloadOfProcessor("reads of 100 appointments", callers, () => processorSeconds(api.metricsPort))
  }, 60_000)
})

describe("where callers have limits,", () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage({ RATE_LIMIT: "1", RATE_LIMIT_READS_PER_MINUTE: String(READS_A_MINUTE) })
  }, 40_000)
  afterAll(() => closeStage(stage))

  test("one who asks far too often is answered as often as is allowed and then refused at once, and others are served meanwhile", async () => {
    const { api, patient } = stage
    const other = person(api.url, "other")
    expect((await other.get("/me")).status).toBe(200)
    await using callers = await openCallers({ port: portOf(api), token: patient.token, path: "/api/v1/me", patienceMs: PATIENCE_MS })
    const flooding = callers.flood(FLOOD_PER_SECOND)
    let isOver = false
    void flooding.finally(() => {
      isOver = true
    })
    const statuses = new Set<number>()
    const slowest = { ms: 0 }
    for (; !isOver; await Bun.sleep(LOOK_MS)) {
      const at = performance.now()
      statuses.add((await other.get("/me")).status)
      slowest.ms = Math.max(slowest.ms, performance.now() - at)
    }
    const { outcomes, refusals } = await flooding
    figure(
      `one who asks ${FLOOD_PER_SECOND} times a second: ${JSON.stringify(outcomes)}, refused in ${refusals.median.toFixed(1)} ms, p99 ${refusals.p99.toFixed(1)}; another is served in ${slowest.ms.toFixed(0)} ms at most`,
    )
    expect(outcomes).toEqual({ 200: READS_A_MINUTE, 429: expect.any(Number) })
    expect(refusals.median).toBeLessThan(REFUSAL_MEDIAN_MAX_MS)
    expect(refusals.p99).toBeLessThan(REFUSAL_P99_MAX_MS)
    expect([...statuses]).toEqual([200])
  }, 60_000)
})
