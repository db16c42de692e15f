import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Queue } from "bullmq"
import { Redis } from "ioredis"
import { Practice } from "../core/analytics/test-practice.ts"
import { entriesOf, SYSTEM } from "../core/audit/entry.ts"
import { insertEntries } from "../core/audit/queries.ts"
import { findLog } from "../core/events/queries.ts"
import { age, endPartition } from "../core/upkeep/test-partitions.ts"
import { until } from "../tests/harness/services.ts"
import { openQueue } from "./queues.ts"
import { SCHEDULES } from "./schedule.ts"
import { type TestWorkers, testWorkers } from "./test-worker.ts"

const TURN_MS = 10_000
/** Other than it is unless it is set. */
const NO_SHOW_AFTER_MINUTES = 90
/** Small, so that a partition is filled soon. */
const AUDIT_PARTITION_ROWS = 10

let workers: TestWorkers
let redis: Redis
let queue: Queue
let practice: Practice
beforeAll(async () => {
  workers = await testWorkers()
  await workers.database.pool`update audit_head set partition_rows = ${AUDIT_PARTITION_ROWS}`
  practice = await Practice.open(workers.database.pool, "UTC", "USD", 1)
  workers.environment.NO_SHOW_AFTER_MINUTES = String(NO_SHOW_AFTER_MINUTES)
  await Promise.all([workers.start(), workers.start()])
  redis = new Redis({ host: workers.redis.config.host, port: workers.redis.config.port })
  queue = openQueue("schedules", (await findLog(workers.database.pool)).id, redis)
})
afterAll(async () => {
  await queue.close()
  redis.disconnect()
  await workers[Symbol.asyncDispose]()
})

const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000)

async function row(query: PromiseLike<readonly Record<string, unknown>[]>): Promise<Record<string, unknown>> {
  return { ...(await query)[0] }
}

/** What there is for a job to do, what the database then shows, and what it shows however often the job has run. */
type Case = { prepare: () => Promise<unknown>; shown: () => Promise<Record<string, unknown>>; expected: Record<string, unknown> }

const pool = () => workers.database.pool

const cases: Record<string, Case> = {
  "send-reminders": {
    prepare: () => practice.book(0, inMinutes(30), "CONFIRMED"),
    shown: () => row(pool()`select count(*) as reminders from events where name = 'appointment:reminder'`),
    expected: { reminders: 1 },
  },
  "mark-no-shows": {
    async prepare() {
      await practice.book(0, inMinutes(-NO_SHOW_AFTER_MINUTES - 30), "CONFIRMED")
      await practice.book(0, inMinutes(-NO_SHOW_AFTER_MINUTES + 15), "CONFIRMED")
    },
    shown: () =>
      row(pool()`
        select (select count(*) from appointments where status = 'NO_SHOW') as marked,
          (select count(*) from events where name = 'appointment:update' and data ->> 'status' = 'NO_SHOW') as told`),
    expected: { marked: 1, told: 1 },
  },
  "end-queue-days": {
    async prepare() {
      await practice.book(0, inMinutes(-600), "WAITING")
      const clinicId = (await row(pool()`select clinic_id as id from doctors where id = ${practice.doctorId}`)).id as string
      await pool()`insert into clinic_queues (clinic_id) values (${clinicId})`
      await pool()`
        insert into queue_entries (appointment_id, clinic_id, doctor_id, checked_in_at, lapses_at)
        select id, ${clinicId}, doctor_id, now() - interval '10 hours', now() - interval '1 minute' from appointments where status = 'WAITING'`
    },
    shown: () =>
      row(pool()`
        select (select count(*) from queue_entries) as entries, (select count(*) from events where name = 'queue:update') as told,
          (select data ->> 'waiting' from events where name = 'queue:update' limit 1) as waiting`),
    expected: { entries: 0, told: 1, waiting: "0" },
  },
  "tell-waiting": {
    async prepare() {
      await practice.book(0, inMinutes(-700), "WAITING")
      await pool()`insert into accounts (uid, role) values ('someone', 'PATIENT')`
      await pool()`update patients set uid = 'someone' where id = ${practice.patients[0] as string}`
      await pool()`
        insert into clinic_queues (clinic_id) select clinic_id from doctors where id = ${practice.doctorId}
        on conflict on constraint clinic_queues_pkey do nothing`
      await pool()`
        insert into queue_entries (appointment_id, clinic_id, doctor_id, checked_in_at, lapses_at, told_position, told_start)
        select a.id, d.clinic_id, d.id, now() - interval '1 hour', now() + interval '5 hours', 1, now() - interval '40 minutes'
        from appointments a join doctors d on d.id = a.doctor_id where a.id = ${practice.appointments.at(-1) as string}`
    },
    shown: () =>
      row(pool()`
        select (select count(*) from events where name = 'queue:position') as told,
          (select max(told_start) > now() - interval '5 minutes' from queue_entries) as remembered`),
    expected: { told: 1, remembered: true },
  },
  "delete-old-rows": {
    async prepare() {
      await pool()`
        insert into idempotency_keys (caller, route, key, body_digest, answer, created_at)
        select 'someone', 'POST /', n, '', '', now() - n * interval '10 hours' from generate_series(1, 3) n`
      await pool()`
        insert into reminders_sent (appointment_id, scheduled_at, hours_before)
        select id, now() - interval '8 days', 24 from appointments limit 1`
    },
    shown: () =>
      row(pool()`
        select (select count(*) from idempotency_keys) as keys,
          (select count(*) from reminders_sent where scheduled_at < now() - interval '7 days') as reminders`),
    expected: { keys: 2, reminders: 0 },
  },
  "make-event-partitions": {
    async prepare() {
      await workers.settled()
    },
    shown: () =>
      row(pool()`
        select count(*) as partitions, bool_or(ends is null and opened_at is null) as ready,
          (select count(*) from pg_inherits where inhparent = 'events_published'::regclass) as found from event_partitions`),
    expected: { partitions: 2, ready: true, found: 2 },
  },
  "drop-old-events": {
    async prepare() {
      await workers.settled()
      await endPartition(pool(), pool())
      await age(pool(), 31)
    },
    shown: () =>
      row(pool()`
        select floor = starts - 1 as floor, floor > 0 as dropped, to_regclass('events_from_1') is null as gone,
          (select count(*) from events where "offset" <= floor) as events
        from event_log, (select min(starts) as starts from event_partitions) oldest`),
    expected: { floor: true, dropped: true, gone: true, events: 0 },
  },
  "analyze-tables": {
    prepare: () => pool()`select pg_stat_reset()`,
    shown: () => row(pool()`select count(last_analyze) as analyzed from pg_stat_user_tables where relname in ('appointments', 'payments')`),
    expected: { analyzed: 2 },
  },
  "verify-rollups": {
    async prepare() {
      await practice.pay(0, 12_345, inMinutes(-60 * 24))
      await workers.settled()
      // What no bug should do, and no event tells of.
      await pool()`update doctor_days set revenue = 1 where revenue = 12345`
      await pool()`delete from events where name = 'analytics:update'`
    },
    shown: () =>
      row(pool()`
        select (select max(revenue) from doctor_days) as revenue, (select count(*) from events where name = 'analytics:update') as told`),
    expected: { revenue: 12_345, told: 1 },
  },
  "drop-old-audit": {
    async prepare() {
      const { id } = await row(pool()`select id from patients limit 1`)
      const read = { action: "READ", resource: "patient", ids: [id as string], outcome: "DONE" } as const
      await insertEntries(pool(), Array.from({ length: 25 }, () => entriesOf(SYSTEM, read)).flat())
      await until("all is sealed", async () => (await row(pool()`select count(*) as waiting from audit_inbox`)).waiting === 0)
      // As if time had passed.
      await pool()`update audit_log set sealed_at = sealed_at - interval '7 years' where position <= ${AUDIT_PARTITION_ROWS + 5}`
    },
    shown: () => row(pool()`select floor, to_regclass('audit_log_0') is null as dropped from audit_head`),
    expected: { floor: AUDIT_PARTITION_ROWS, dropped: true },
  },
}

async function runs(name: string): Promise<number> {
  return (await queue.getCompleted()).filter((job) => job.name === name).length
}

/** Brings the schedule's own next job forward. */
async function runNow(name: string): Promise<void> {
  const before = await runs(name)
  const next = await until(`${name} is planned`, async () => (await queue.getDelayed()).find((job) => job.name === name), TURN_MS)
  const hasRun = async () => {
    // Of two workers that find it lost, one may plan it once more when the other's has been brought forward already.
    await (await queue.getDelayed()).find((job) => job.id === next.id)?.promote()
    return (await runs(name)) > before
  }
  await until(`${name} has run`, hasRun, TURN_MS)
}

/** So many at once, which two workers take. */
async function runAtOnce(name: string, count: number): Promise<void> {
  const jobs = await queue.addBulk(Array.from({ length: count }, () => ({ name, data: {} })))
  for (const job of jobs) await until(`${name} has run`, async () => (await job.getState()) === "completed", TURN_MS)
}

test("every schedule is tried here", () => {
  expect(Object.keys(cases).sort()).toEqual(SCHEDULES.map(({ job }) => job as string).sort())
})

for (const [name, { prepare, shown, expected }] of Object.entries(cases)) {
  test(`${name}, come due, does its work once, however often it runs and on two workers at once`, async () => {
    await prepare()
    await runNow(name)
    await until("the work is done", async () => Bun.deepEquals(await shown(), expected)).catch(async () =>
      expect(await shown()).toEqual(expected),
    )
    await runAtOnce(name, 6)
    await runNow(name)
    expect(await shown()).toEqual(expected)
    expect(await queue.getFailedCount()).toBe(0)
    const run = await row(pool()`select failures, finished_at >= started_at as finished from schedule_runs where name = ${name}`)
    expect(run).toEqual({ failures: 0, finished: true })
  }, 30_000)

  test(`${name} is planned again after Redis was wiped, and then does its work`, async () => {
    await redis.flushall()
    await runNow(name)
    expect(await shown()).toEqual(expected)
  }, 30_000)
}

test("work that is there when Redis is wiped, or is wiped in the middle of a run, is done once by the next", async () => {
  const shown = async () => (await cases["mark-no-shows"]?.shown()) as { marked: number; told: number }
  const before = await shown()
  for (let round = 0; round < 5; round++) {
    await practice.book(0, inMinutes(-300 - round * 10), "CONFIRMED")
    await queue.addBulk(Array.from({ length: 4 }, () => ({ name: "mark-no-shows", data: {} })))
    await redis.flushall()
  }
  await runNow("mark-no-shows")
  expect(await shown()).toEqual({ marked: before.marked + 5, told: before.told + 5 })
}, 30_000)
