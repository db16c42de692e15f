/** BullMQ's workers: they take jobs, do them by the registry, and say how it went. */
import { type Job, Worker } from "bullmq"
import type { Redis } from "ioredis"
import { sleep } from "../core/time.ts"
import { finishScheduleRun, giveUpRollups, startScheduleRun } from "../core/work/queries.ts"
import { RollupJob } from "./jobs/recompute-rollups.ts"
import { type QueueName, queuePrefix } from "./queues.ts"
import { handlers, isJobName, type JobContext } from "./registry.ts"

/** Jobs of one process at a time: rollups wait for Postgres most of the time; a long nightly run must not stop the minutely ones. */
const CONCURRENCY: Record<QueueName, number> = { rollups: 4, schedules: 3 }
/** A killed worker's jobs are taken over after about this. */
const JOB_LOCK_MS = 10_000
const STALLED_CHECK_MS = 5_000
/** A job that was in the hands of so many workers as they died is left to a person. */
const STALLED_MAX = 5
const WAIT_FOR_JOB_SECONDS = 2
/** Postgres's own bound for a statement; with Redis away a worker would wait for it for ever. */
const CLOSE_MS = 5_000

export type RunningJobs = { close: () => Promise<void> }

/** `redis` is a connection of `openQueueRedis`. */
export function runJobs(queue: QueueName, logId: string, redis: Redis, context: JobContext): RunningJobs {
  const worker = new Worker(queue, (job) => measured(job, context, () => run(queue, job, context)), {
    connection: redis,
    prefix: queuePrefix(logId),
    concurrency: CONCURRENCY[queue],
    lockDuration: JOB_LOCK_MS,
    stalledInterval: STALLED_CHECK_MS,
    maxStalledCount: STALLED_MAX,
    drainDelay: WAIT_FOR_JOB_SECONDS,
  })
  let away = false
  worker.on("error", (error) => {
    if (!away) context.log.warn({ err: error, queue }, "jobs cannot be taken; trying until they can")
    away = true
  })
  worker.on("active", () => {
    away = false
  })
  worker.on("failed", (job, error) => context.log.error({ err: error, job: job?.name, attempts: job?.attemptsMade }, "a job failed"))
  return {
    async close() {
      await Promise.race([worker.close().catch(() => {}), sleep(CLOSE_MS)])
    },
  }
}

async function measured(job: Job, { observeJob }: JobContext, work: () => Promise<void>): Promise<void> {
  const start = performance.now()
  let outcome: "completed" | "failed" = "failed"
  try {
    await work()
    outcome = "completed"
  } finally {
    observeJob?.(job.name, (performance.now() - start) / 1000, outcome)
  }
}

async function run(queue: QueueName, job: Job, context: JobContext): Promise<void> {
  if (!isJobName(job.name)) throw new Error(`there is no job ${job.name}`)
  if (queue === "schedules") return await runSchedule(job.name, job, context)
  try {
    await handlers[job.name](context, job.data)
  } catch (error) {
    if (isLast(job)) await giveUp(job, context)
    throw error
  }
}

function isLast(job: Job): boolean {
  return job.attemptsMade + 1 >= (job.opts.attempts ?? 1)
}

async function giveUp(job: Job, { pool }: JobContext): Promise<void> {
  const data = RollupJob.safeParse(job.data)
  if (data.success) await giveUpRollups(pool, data.data.doctorId)
}

async function runSchedule(name: keyof typeof handlers, job: Job, context: JobContext): Promise<void> {
  await startScheduleRun(context.pool, name)
  try {
    await handlers[name](context, job.data)
    await finishScheduleRun(context.pool, name, null)
  } catch (error) {
    await finishScheduleRun(context.pool, name, error instanceof Error ? error.message : String(error)).catch(() => {})
    throw error
  }
}
