import { expect, test } from "bun:test"
import type { Queue } from "bullmq"
import { Redis } from "ioredis"
import { Practice } from "../core/analytics/test-practice.ts"
import { findLog } from "../core/events/queries.ts"
import { until } from "../tests/harness/services.ts"
import { openQueue, type QueueName } from "./queues.ts"
import { jobsCommand, type TestWorkers, testWorkers } from "./test-worker.ts"

const JOB = "verify-rollups"
const ATTEMPTS = 5
/** What lies between two attempts, each twice the one before. */
const FIRST_RETRY_MS = 1_000
const RETRIED = { attempts: ATTEMPTS, backoff: { type: "exponential", delay: FIRST_RETRY_MS } }
/** A turn of a noisy machine, and of the poll that takes the time. */
const SLACK_MS = 900
const ALL_ATTEMPTS_MS = 25_000

type Shown = { lastRun: string; nextRun: string; failures: number; lastError: string }

/** The schedule's line, by its columns. */
function shownOf(output: string): Shown {
  const line = output.split("\n").find((text) => text.startsWith(JOB)) ?? ""
  const [, , lastRun = "", , nextRun = "", failures = "", lastError = ""] = line.split(/ {2,}/)
  return { lastRun, nextRun, failures: Number(failures), lastError }
}

async function runNow(queue: Queue): Promise<void> {
  const next = await until("it is planned", async () => (await queue.getDelayed()).find((job) => job.name === JOB))
  expect(next.opts).toMatchObject(RETRIED)
  await next.promote()
}

/** A worker that has counted a payment, and a queue of its to look into. */
async function afterOnePayment(workers: TestWorkers, name: QueueName): Promise<AsyncDisposable & { queue: Queue }> {
  const { pool } = workers.database
  const practice = await Practice.open(pool, "UTC", "USD")
  await workers.start()
  await practice.pay(0, 500, new Date())
  await workers.settled()
  const redis = new Redis({ host: workers.redis.config.host, port: workers.redis.config.port })
  const queue = openQueue(name, (await findLog(pool)).id, redis)
  return {
    queue,
    async [Symbol.asyncDispose]() {
      await queue.close()
      redis.disconnect()
    },
  }
}

test("a schedule that really fails is tried five times, ever later, kept and shown with its failures and its error; mended, it works again", async () => {
  await using workers = await testWorkers()
  const { pool } = workers.database
  await using opened = await afterOnePayment(workers, "schedules")
  const { queue } = opened
  const failures = async () =>
    (await pool<{ failures: number }[]>`select failures from schedule_runs where name = ${JOB}`)[0]?.failures ?? 0

  await pool`alter table doctor_rollups rename to doctor_rollups_away`
  await runNow(queue)
  const times: number[] = []
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    await until(`attempt ${attempt} has failed`, async () => (await failures()) === attempt, ALL_ATTEMPTS_MS)
    times.push(performance.now())
  }
  for (let n = 1; n < ATTEMPTS; n++) {
    const planned = FIRST_RETRY_MS * 2 ** (n - 1)
    expect((times[n] as number) - (times[n - 1] as number)).toBeWithin(planned - SLACK_MS, planned + 2 * SLACK_MS)
  }
  await until("it is given up", async () => (await queue.getFailedCount()) === 1)
  const output = await jobsCommand(workers)
  const shown = shownOf(output)
  expect([shown.failures, shown.lastError]).toEqual([ATTEMPTS, 'relation "doctor_rollups" does not exist'])
  expect(Date.now() - Date.parse(shown.lastRun)).toBeWithin(-1_000, ALL_ATTEMPTS_MS)
  expect(Date.parse(shown.nextRun)).toBeGreaterThan(Date.now())
  expect(output).toMatch(/queue schedules: \d+ waiting, \d+ active, \d+ delayed, 1 failed/)
  expect(output).toContain(`${JOB} {}  after ${ATTEMPTS} attempts: relation "doctor_rollups" does not exist`)

  await pool`alter table doctor_rollups_away rename to doctor_rollups`
  const finished = async () => (await queue.getCompleted()).filter((job) => job.name === JOB).length
  expect(await jobsCommand(workers, "retry")).toContain("queue schedules: 1 failed job is tried again")
  await until("the failed one has run", async () => (await finished()) === 1)
  await runNow(queue)
  await until("the next one has run", async () => (await finished()) === 2)
  expect([await queue.getFailedCount(), shownOf(await jobsCommand(workers)).failures]).toEqual([0, ATTEMPTS])
}, 60_000)

test("a job for rollups has the same bound and the same pauses", async () => {
  await using workers = await testWorkers()
  await using opened = await afterOnePayment(workers, "rollups")
  const { queue } = opened
  const job = await until("its job is done", async () => (await queue.getCompleted())[0])
  expect(job.opts).toMatchObject(RETRIED)
}, 20_000)
