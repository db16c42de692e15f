/**
 * `bun run jobs`: every schedule with its last run, next run and failures, what waits, and the jobs that failed for the last time.
 * `bun run jobs retry` puts those back to work. Against DATABASE_URL and REDIS_HOST, as the worker.
 */
import type { Job, Queue } from "bullmq"
import { readConfig } from "../core/config.ts"
import { openPool, type Pool } from "../core/db.ts"
import { findLog } from "../core/events/queries.ts"
import { openRedis } from "../core/redis.ts"
import { countDue, listScheduleRuns, resumeRollups, type ScheduleRun } from "../core/work/queries.ts"
import { openQueue, QUEUES } from "../worker/queues.ts"
import { SCHEDULES } from "../worker/schedule.ts"
import { runCommand, SetupError } from "./services/say.ts"

const USAGE = "use: bun run jobs [retry]"
const CONNECT_TIMEOUT_MS = 5_000
/** A screenful; the count says how many there are. */
const FAILED_SHOWN = 20
const RETRIED_AT_ONCE = 1_000

type Queues = Record<(typeof QUEUES)[number], Queue>

function when(date: Date | number | null | undefined): string {
  return date === null || date === undefined ? "-" : `${new Date(date).toISOString().slice(0, 19)}Z`
}

function table(rows: string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n")
}

async function listSchedules(pool: Pool, queue: Queue): Promise<string> {
  const runs = new Map((await listScheduleRuns(pool)).map((run) => [run.name, run]))
  const next = new Map((await queue.getJobSchedulers()).map((scheduler) => [scheduler.key, scheduler.next]))
  const head = ["schedule", "when (UTC)", "last run", "took", "next run", "failures", "last error"]
  const rows = SCHEDULES.map((schedule) => {
    const run = runs.get(schedule.job)
    const pace = "cron" in schedule ? schedule.cron : `every ${schedule.everyMs / 60_000} min`
    return [
      schedule.job,
      pace,
      when(run?.startedAt),
      took(run),
      when(next.get(schedule.job)),
      String(run?.failures ?? 0),
      run?.lastError ?? "-",
    ]
  })
  return table([head, ...rows])
}

function took(run: ScheduleRun | undefined): string {
  if (!run) return "-"
  return run.finishedAt ? `${run.finishedAt.getTime() - run.startedAt.getTime()} ms` : "running"
}

async function listQueue(queue: Queue): Promise<string> {
  const { waiting = 0, active = 0, delayed = 0, failed = 0 } = await queue.getJobCounts("waiting", "active", "delayed", "failed")
  const lines = [`queue ${queue.name}: ${waiting} waiting, ${active} active, ${delayed} delayed, ${failed} failed`]
  const jobs: Job[] = failed === 0 ? [] : await queue.getFailed(0, FAILED_SHOWN - 1)
  for (const job of jobs)
    lines.push(
      `  failed ${when(job.finishedOn)}  ${job.name} ${JSON.stringify(job.data)}  after ${job.attemptsMade} attempts: ${job.failedReason}`,
    )
  return lines.join("\n")
}

async function show(pool: Pool, queues: Queues): Promise<void> {
  console.log(await listSchedules(pool, queues.schedules))
  for (const name of QUEUES) console.log(`\n${await listQueue(queues[name])}`)
  const due = await countDue(pool)
  console.log(`\nrollups due: ${due.waiting} (the oldest for ${due.oldestSeconds.toFixed(1)} s), given up: ${due.givenUp}`)
}

async function retry(pool: Pool, queues: Queues): Promise<void> {
  for (const name of QUEUES) {
    const { failed = 0 } = await queues[name].getJobCounts("failed")
    await queues[name].retryJobs({ state: "failed", count: RETRIED_AT_ONCE })
    console.log(`queue ${name}: ${failed} failed ${failed === 1 ? "job is" : "jobs are"} tried again`)
  }
  // Work whose failed job went with a wiped Redis: the worker makes a new one.
  console.log(`rollups of ${await resumeRollups(pool)} doctors that were given up are due again`)
}

await runCommand(async () => {
  const [command, ...rest] = process.argv.slice(2)
  if (rest.length > 0 || (command !== undefined && command !== "retry")) throw new SetupError(USAGE)
  const config = readConfig(process.env)
  const pool = openPool(config.databaseUrl, { max: 2, name: "jobs" })
  const redis = openRedis(config.redis, { name: "jobs" })
  try {
    const deadline = Date.now() + CONNECT_TIMEOUT_MS
    while (redis.status !== "ready" && Date.now() < deadline) await Bun.sleep(10)
    if (redis.status !== "ready") throw new SetupError(`Redis at ${config.redis.host}:${config.redis.port} does not answer`)
    const { id } = await findLog(pool)
    const queues = { rollups: openQueue("rollups", id, redis), schedules: openQueue("schedules", id, redis) }
    if (command === "retry") await retry(pool, queues)
    else await show(pool, queues)
    await Promise.all(QUEUES.map((name) => queues[name].close()))
  } finally {
    redis.disconnect()
    await pool.end({ timeout: 1 })
  }
})
