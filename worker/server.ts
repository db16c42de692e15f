/** The worker put together: it publishes what was left unpublished, reads the log, does jobs and keeps the schedules. */

import { join } from "node:path"
import type { Redis } from "ioredis"
import { trySealAudit } from "../core/audit/seal.ts"
import type { Config } from "../core/config.ts"
import { openPool, type Pool } from "../core/db.ts"
import { Publisher } from "../core/events/publisher.ts"
import { findLog } from "../core/events/queries.ts"
import { Health } from "../core/health.ts"
import type { Log } from "../core/log.ts"
import { type Meters, openMeters } from "../core/metrics/meters.ts"
import { requireRestrictedRole } from "../core/migrations/run-role.ts"
import { untilMigrated } from "../core/migrations/wait.ts"
import { openQueueRedis, openRedis } from "../core/redis.ts"
import { urlOf } from "../core/request-url.ts"
import { sleep } from "../core/time.ts"
import { findCursor } from "../core/work/queries.ts"
import { version } from "../package.json"
import { Dispatch } from "./dispatch.ts"
import { readLog } from "./follow.ts"
import { openQueue, QUEUES } from "./queues.ts"
import { type RunningJobs, runJobs } from "./run-jobs.ts"
import { KEEP_SCHEDULES_MS, keepSchedules } from "./schedule.ts"

/** What an API process could not publish, because it was killed or Redis was away, waits no longer than this. */
const SWEEP_MS = 1_000
/** What is done is in the audit at once; for so long it is not in its chain yet. */
const SEAL_MS = 1_000
/** Rollups and schedules of this process at their busiest, and the reader. */
const POOL = 10
const POOL_CLOSE_S = 2
/** Nightly work is made of statements that may take longer than a request may. */
const STATEMENT_TIMEOUT_MS = 60_000

/** Tests cannot wait as long as schedules may. */
export type WorkerTuning = { keepSchedulesMs?: number }

export type WorkerProcess = {
  port: number
  health: Health
  metricsPort: number | undefined
  working: Promise<void>
  stop: () => Promise<void>
}

/** Listens at once; ready when the database is. `working` rejects when its settings do not fit the database. */
export function startWorker(config: Config, log: Log, tuning: WorkerTuning = {}): WorkerProcess {
  const stopping = new AbortController()
  const meters = openMeters(config.metrics, "worker", version, log)
  const poolOptions = { max: POOL, name: "worker", statementTimeoutMs: STATEMENT_TIMEOUT_MS }
  const pool = meters.pool(openPool(config.databaseUrl, poolOptions), poolOptions)
  const eventLog = meters.eventLog(pool)
  // One worker at a time reads, and its cursor is a row: each of them can tell how far that is.
  eventLog?.consumer("worker", () => findCursor(pool))
  const session = openPool(config.databaseUrl, { max: 1, name: "worker-publisher" })
  const redis = openRedis(config.redis, { name: "worker" })
  const publisher = new Publisher({ session, redis, log, streamMaxEvents: config.streamMaxEvents, observer: eventLog?.publisher })
  const health = new Health({ pool, redis, version })
  const server = Bun.serve({
    hostname: config.host,
    port: config.port,
    fetch: async (request) => (await health.answer(urlOf(request).pathname)) ?? new Response(null, { status: 404 }),
  })
  const working = (async () => {
    await untilMigrated(pool, join(import.meta.dir, "..", "sql"), log, stopping.signal)
    await requireRestrictedRole(pool, config, log, stopping.signal)
    if (stopping.signal.aborted) return
    health.phase = "ready"
    await work({
      config,
      log,
      pool,
      publisher,
      meters,
      signal: stopping.signal,
      keepSchedulesMs: tuning.keepSchedulesMs ?? KEEP_SCHEDULES_MS,
    })
  })()
  return {
    port: server.port as number,
    health,
    metricsPort: meters.port,
    working,
    async stop() {
      health.phase = "draining"
      stopping.abort()
      await working
      await publisher.close()
      await server.stop()
      await meters.close()
      redis.disconnect()
      await Promise.all([pool.end({ timeout: POOL_CLOSE_S }), session.end({ timeout: POOL_CLOSE_S })])
    },
  }
}

type Work = { config: Config; log: Log; pool: Pool; publisher: Publisher; meters: Meters; signal: AbortSignal; keepSchedulesMs: number }

/** Until the signal aborts; then what is in hand is finished. */
async function work({ config, log, pool, publisher, meters, signal, keepSchedulesMs }: Work): Promise<void> {
  const logId = await findLogId(pool, log, signal)
  if (logId === undefined) return
  const lockSession = openPool(config.databaseUrl, { max: 1, name: "worker-reader" })
  const reader = openRedis(config.redis, { name: "worker-reader", blocking: true })
  const adder = openRedis(config.redis, { name: "worker-queue" })
  const taker = openQueueRedis(config.redis, { name: "worker-jobs" })
  const dispatch = new Dispatch({ redis: adder, log, logId })
  const { noShowAfterMinutes, retentionDays, auditRetentionDays } = config
  const published = () => publisher.nudge()
  const context = { pool, log, noShowAfterMinutes, retentionDays, auditRetentionDays, published, observeJob: meters.jobs() }
  const jobs: RunningJobs[] = QUEUES.map((queue) => runJobs(queue, logId, taker, context))
  const sealFailed = meters.sealing()
  await Promise.all([
    readLog({ pool, session: lockSession, redis: reader, log, dispatch: (doctorIds) => dispatch.add(doctorIds) }, signal),
    repeat(signal, async () => {
      await publisher.sweep()
      return SWEEP_MS
    }),
    repeat(signal, async () => {
      await trySealAudit(pool, log, sealFailed)
      return SEAL_MS
    }),
    repeat(signal, async () => ((await keepSchedulesOf(logId, adder, log)) ? keepSchedulesMs : SWEEP_MS)),
  ])
  await Promise.all(jobs.map((running) => running.close()))
  await dispatch.close()
  for (const connection of [reader, adder, taker]) connection.disconnect()
  await lockSession.end({ timeout: POOL_CLOSE_S })
}

/** Undefined when the signal aborts first. */
async function findLogId(pool: Pool, log: Log, signal: AbortSignal): Promise<string | undefined> {
  while (!signal.aborted) {
    try {
      return (await findLog(pool)).id
    } catch (error) {
      log.warn({ err: error }, "the database does not answer; trying until it does")
      await sleep(SWEEP_MS, signal)
    }
  }
  return undefined
}

/** Acts until the signal aborts; each time says how long to wait. */
async function repeat(signal: AbortSignal, act: () => Promise<number>): Promise<void> {
  while (!signal.aborted) await sleep(await act(), signal)
}

/** False when it has to be tried again soon. */
async function keepSchedulesOf(logId: string, redis: Redis, log: Log): Promise<boolean> {
  if (redis.status !== "ready") return false
  const queue = openQueue("schedules", logId, redis)
  try {
    await keepSchedules(queue)
    return true
  } catch (error) {
    log.warn({ err: error }, "the schedules could not be looked after; trying until they can")
    return false
  } finally {
    await queue.close().catch(() => {})
  }
}
