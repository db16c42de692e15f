/** Worker processes in this process, on a database and a Redis of their own. */
import { expect } from "bun:test"
import { readConfig } from "../core/config.ts"
import { openLog } from "../core/log.ts"
import { type TestDatabase, type TestRedis, testDatabase, testRedis, until } from "../tests/harness/services.ts"
import { startWorker, type WorkerProcess } from "./server.ts"

/** So that a schedule that was lost is back while a test can wait. */
const KEEP_SCHEDULES_MS = 300

export type TestWorkers = AsyncDisposable & {
  database: TestDatabase
  redis: TestRedis
  environment: Record<string, string>
  start: () => Promise<WorkerProcess>
  /** Until nothing is due and the worker has read the whole log. */
  settled: (timeoutMs?: number) => Promise<void>
}

/** `shared` is a Redis that somebody else uses, and ends. */
export async function testWorkers(shared?: TestRedis): Promise<TestWorkers> {
  const [database, redis] = await Promise.all([testDatabase({ max: 4 }), shared ?? testRedis()])
  const environment = {
    NODE_ENV: "test",
    PORT: "0",
    HOST: "127.0.0.1",
    DATABASE_URL: database.url,
    REDIS_HOST: redis.config.host,
    REDIS_PORT: String(redis.config.port),
    LOG_LEVEL: "silent",
  }
  const running: WorkerProcess[] = []
  return {
    database,
    redis,
    environment,
    async start() {
      const config = readConfig(environment)
      const worker = startWorker(config, openLog("worker", config.logLevel), { keepSchedulesMs: KEEP_SCHEDULES_MS })
      running.push(worker)
      await until("the worker is ready", () => worker.health.phase === "ready")
      return { ...worker, stop: async () => void (await running.splice(running.indexOf(worker), 1)[0]?.stop()) }
    },
    async settled(timeoutMs = 10_000) {
      await until("nothing is due", () => isSettled(database), timeoutMs)
    },
    async [Symbol.asyncDispose]() {
      redis.resume()
      await Promise.all(running.map((worker) => worker.stop()))
      if (!shared) await redis[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

async function isSettled({ pool }: TestDatabase): Promise<boolean> {
  const [row] = await pool<{ settled: boolean }[]>`
    select not exists (select from events where "offset" is null) and not exists (select from rollups_due)
      and (select "offset" from work_cursor) = (select head from event_log) as settled`
  return row?.settled ?? false
}

/** What `bun run jobs` prints. */
export async function jobsCommand({ environment }: TestWorkers, ...args: string[]): Promise<string> {
  const child = Bun.spawn([process.execPath, "scripts/jobs.ts", ...args], { env: environment, stdout: "pipe", stderr: "inherit" })
  const [output, code] = await Promise.all([child.stdout.text(), child.exited])
  expect(code).toBe(0)
  return output
}
