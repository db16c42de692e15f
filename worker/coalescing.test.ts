import { expect, test } from "bun:test"
import { Redis } from "ioredis"
import { readAnalytics } from "../core/analytics/read.ts"
import { onDemand, Practice } from "../core/analytics/test-practice.ts"
import type { Pool } from "../core/db.ts"
import { findLog } from "../core/events/queries.ts"
import { scrape, valueIn } from "../tests/harness/metrics.ts"
import { until } from "../tests/harness/services.ts"
import { openQueue } from "./queues.ts"
import { testWorkers } from "./test-worker.ts"

const BURST = 40
/** Later than the sweep takes work for lost and asks for its job again. */
const BEYOND_SWEEP_MS = 3_500

/** So many changes of one day, each a transaction of its own. */
async function burst(practice: Practice, now: Date): Promise<void> {
  await Promise.all(Array.from({ length: BURST }, (_, n) => practice.pay(n, 1_000 + n, now)))
}

async function expectTrue(pool: Pool, practice: Practice, now: Date): Promise<void> {
  const { computedAt, ...figures } = await readAnalytics(pool, practice.doctorId, "day", now.getTime())
  expect(figures).toEqual(await onDemand(pool, practice.doctorId, "day", now))
}

/** Events that the worker has not written down as work. */
async function unread(pool: Pool): Promise<number> {
  const [row] = await pool<{ unread: number }[]>`
    select count(*) as unread from events where "offset" is null or "offset" > (select "offset" from work_cursor)`
  return row?.unread ?? 0
}

async function recomputes(metricsPort: number | undefined): Promise<number> {
  const labels = { job: "recompute-rollups", outcome: "completed" }
  return valueIn(await scrape(metricsPort), "pulsecal_job_duration_seconds_count", labels) ?? 0
}

test("a burst on one day while its doctor's figures are computed ends in that computation and at most one after it; the last state counts", async () => {
  await using workers = await testWorkers()
  workers.environment.METRICS_PORT = "0"
  const { pool } = workers.database
  const now = new Date()
  const practice = await Practice.open(pool, "UTC", "USD")
  const { metricsPort } = await workers.start()
  await practice.pay(0, 500, now)
  await workers.settled()
  const redis = new Redis({ host: workers.redis.config.host, port: workers.redis.config.port })
  const queue = openQueue("rollups", (await findLog(pool)).id, redis)
  const underWay = async () => Object.values(await queue.getJobCounts("waiting", "active", "delayed")).reduce((sum, n) => sum + n, 0)
  await until("the first figures' jobs are done", async () => (await recomputes(metricsPort)) > 0 && (await underWay()) === 0)
  const before = await recomputes(metricsPort)
  await pool.begin(async (tx) => {
    await tx`select from doctor_rollups where doctor_id = ${practice.doctorId} for update`
    await burst(practice, now)
    await until("the worker has read every change", async () => (await unread(pool)) === 0)
    expect((await pool`select from rollups_due`).length).toBeGreaterThan(0)
    await Bun.sleep(BEYOND_SWEEP_MS)
    expect(await recomputes(metricsPort)).toBe(before)
  })
  await workers.settled()
  await expectTrue(pool, practice, now)
  await until("no job is left", async () => (await underWay()) === 0)
  expect((await recomputes(metricsPort)) - before).toBeWithin(1, 3)
  await queue.close()
  redis.disconnect()
}, 30_000)

test("a burst that waits for its worker is one or two computations", async () => {
  await using workers = await testWorkers()
  workers.environment.METRICS_PORT = "0"
  const { pool } = workers.database
  const now = new Date()
  const practice = await Practice.open(pool, "UTC", "USD")
  const first = await workers.start()
  await practice.pay(0, 500, now)
  await workers.settled()
  await first.stop()
  await burst(practice, now)
  const { metricsPort } = await workers.start()
  await workers.settled()
  await expectTrue(pool, practice, now)
  expect(await recomputes(metricsPort)).toBeWithin(1, 3)
}, 30_000)
