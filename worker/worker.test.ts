import { expect, test } from "bun:test"
import { Redis } from "ioredis"
import { readAnalytics } from "../core/analytics/read.ts"
import { onDemand, Practice } from "../core/analytics/test-practice.ts"
import type { Pool } from "../core/db.ts"
import { findLog } from "../core/events/queries.ts"
import { until } from "../tests/harness/services.ts"
import { openQueue } from "./queues.ts"
import { SCHEDULES } from "./schedule.ts"
import { jobsCommand, type TestWorkers, testWorkers } from "./test-worker.ts"

const NOW = new Date()
const hoursAgo = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000)

async function expectTrue(pool: Pool, practice: Practice): Promise<void> {
  const { computedAt, ...figures } = await readAnalytics(pool, practice.doctorId, "month", NOW.getTime())
  expect(figures).toEqual(await onDemand(pool, practice.doctorId, "month", NOW))
}

/** A burst of changes: visits and payments on many days. */
async function change(practice: Practice, count: number): Promise<void> {
  const first = practice.appointments.length
  for (let n = first; n < first + count; n++) {
    await practice.book(n, hoursAgo(n * 3), "CONFIRMED")
    await practice.setStatus(n, n % 3 === 0 ? "CANCELLED" : "COMPLETED")
    await practice.pay(n, 10_050, hoursAgo(n * 3))
  }
}

async function client(workers: TestWorkers): Promise<Redis> {
  const redis = new Redis({ host: workers.redis.config.host, port: workers.redis.config.port, lazyConnect: true })
  await redis.connect()
  return redis
}

test("what happened before the first worker began is counted, and what happens then within moments, with the doctor told", async () => {
  await using workers = await testWorkers()
  const { pool } = workers.database
  const practice = await Practice.open(pool, "Europe/Berlin", "USD")
  await change(practice, 5)
  await workers.start()
  await workers.settled()
  await expectTrue(pool, practice)
  const begun = performance.now()
  await practice.pay(0, 12_345, NOW)
  const told = () => pool`select from events where name = 'analytics:update' and "offset" is not null and occurred_at > ${hoursAgo(0)}
    and subject = ${`analytics:${practice.doctorId}`} and rooms = array[${`doctor:${practice.doctorId}`}]`
  await until("the doctor is told", async () => (await told()).length > 1)
  expect(performance.now() - begun).toBeLessThan(5_000)
  await workers.settled()
  await expectTrue(pool, practice)
}, 20_000)

test("of two workers one reads the log; when its session is cut, one goes on where it stopped, and nothing is lost", async () => {
  await using workers = await testWorkers()
  const { pool } = workers.database
  const practice = await Practice.open(pool, "UTC", "USD")
  await Promise.all([workers.start(), workers.start()])
  const holders = () => pool`select pid from pg_locks join pg_stat_activity using (pid)
    where locktype = 'advisory' and application_name = 'pulsecal-worker-reader' and datname = current_database()`
  await until("one reads", async () => (await holders()).length === 1)
  for (let round = 0; round < 3; round++) {
    await change(practice, 5)
    await pool`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'pulsecal-worker-reader' and datname = current_database() and ${round} < 2`
    await change(practice, 5)
  }
  await workers.settled()
  await expectTrue(pool, practice)
  await until("one reads again", async () => (await holders()).length === 1)
}, 20_000)

test("a worker that stops hands the log over at once", async () => {
  await using workers = await testWorkers()
  const { pool } = workers.database
  const practice = await Practice.open(pool, "UTC", "USD")
  const first = await workers.start()
  await workers.start()
  await change(practice, 5)
  await first.stop()
  await change(practice, 5)
  await workers.settled()
  await expectTrue(pool, practice)
}, 20_000)

test("a Redis wiped again and again in a burst loses no work, and every schedule is back", async () => {
  await using workers = await testWorkers()
  const { pool } = workers.database
  const practice = await Practice.open(pool, "UTC", "USD")
  await workers.start()
  const redis = await client(workers)
  for (let round = 0; round < 5; round++) {
    await change(practice, 6)
    await redis.flushall()
  }
  await workers.settled()
  await expectTrue(pool, practice)
  const queue = openQueue("schedules", (await findLog(pool)).id, redis)
  await until("all schedules are back", async () => (await queue.getJobSchedulers()).length === SCHEDULES.length)
  await queue.close()
  redis.disconnect()
}, 30_000)

test("a Redis that is killed and comes back empty finds its workers at work and its schedules made", async () => {
  await using workers = await testWorkers()
  const { pool } = workers.database
  const practice = await Practice.open(pool, "UTC", "USD")
  await workers.start()
  await change(practice, 3)
  for (let round = 0; round < 2; round++) {
    await workers.redis.kill()
    await change(practice, 5)
    await workers.redis.start()
    await workers.settled(15_000)
    await expectTrue(pool, practice)
  }
  const redis = await client(workers)
  const queue = openQueue("schedules", (await findLog(pool)).id, redis)
  await until("all schedules are back", async () => (await queue.getJobSchedulers()).length === SCHEDULES.length)
  await until("schedules run", async () => (await pool`select from schedule_runs where name = 'send-reminders'`).length === 1)
  await queue.close()
  redis.disconnect()
}, 60_000)

test("a worker starts and stops while Redis is away, and does its work when Redis comes", async () => {
  await using workers = await testWorkers()
  const { pool } = workers.database
  const practice = await Practice.open(pool, "UTC", "USD")
  await workers.redis.kill()
  const first = await workers.start()
  await change(practice, 3)
  const begun = performance.now()
  await first.stop()
  expect(performance.now() - begun).toBeLessThan(8_000)
  await workers.start()
  await workers.redis.start()
  await workers.settled()
  await expectTrue(pool, practice)
}, 30_000)

test("a job that fails for the last time is kept, shown and its work left; retried, it does it", async () => {
  await using workers = await testWorkers()
  const { pool } = workers.database
  const practice = await Practice.open(pool, "UTC", "USD")
  await workers.start()
  await change(practice, 2)
  await workers.settled()
  await pool`alter table doctor_days rename to doctor_days_away`
  const redis = await client(workers)
  const queue = openQueue("rollups", (await findLog(pool)).id, redis)
  await pool`insert into rollups_due (doctor_id, every_day) values (${practice.doctorId}, true)`
  const { doctorId } = practice
  await queue.add("recompute-rollups", { doctorId }, { attempts: 2, backoff: 10, deduplication: { id: doctorId, keepLastIfActive: true } })
  await until("the work is given up", async () => (await pool`select from rollups_due where given_up`).length > 0)
  await until("the job has failed", async () => (await queue.getJobCounts("failed")).failed === 1)
  const output = await jobsCommand(workers)
  for (const { job } of SCHEDULES) expect(output).toContain(job)
  expect(output).toMatch(/queue rollups: \d+ waiting, \d+ active, \d+ delayed, 1 failed/)
  expect(output).toContain(`recompute-rollups {"doctorId":"${doctorId}"}  after 2 attempts: relation "doctor_days" does not exist`)
  expect(output).toContain("given up: 1")
  // Longer than the sweep leaves lost work alone: what was given up it does not take for lost.
  await Bun.sleep(3_500)
  expect(await queue.getJobCounts("waiting", "active", "delayed", "failed")).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 1 })
  await pool`alter table doctor_days_away rename to doctor_days`
  expect(await jobsCommand(workers, "retry")).toContain("queue rollups: 1 failed job is tried again")
  await workers.settled()
  await expectTrue(pool, practice)
  await queue.close()
  redis.disconnect()
}, 30_000)

test("two databases share a Redis and neither does the other's work", async () => {
  await using one = await testWorkers()
  await using other = await testWorkers(one.redis)
  const sides = [one, other].map(({ database }) => database.pool)
  const practices = await Promise.all(sides.map((pool) => Practice.open(pool, "UTC", "USD")))
  await Promise.all([one.start(), other.start()])
  await Promise.all(practices.map((practice) => change(practice, 5)))
  for (const [n, workers] of [one, other].entries()) {
    await workers.settled()
    await expectTrue(sides[n] as Pool, practices[n] as Practice)
  }
}, 20_000)
