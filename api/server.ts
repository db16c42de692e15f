import { join } from "node:path"
import { GROUPS_MAX as BOOKING_GROUPS_MAX, Bookings } from "../core/appointments/bookings.ts"
import { Parties } from "../core/appointments/parties.ts"
import { GROUPS_MAX, Recorder } from "../core/audit/recorder.ts"
import { Unheard } from "../core/audit/unheard.ts"
import { createVerifier } from "../core/auth/firebase.ts"
import { createCodeTries } from "../core/clinics/code-tries.ts"
import type { Config } from "../core/config.ts"
import { openPool } from "../core/db.ts"
import { type SearchIndex, SearchIndexService } from "../core/doctors/index/service.ts"
import { nearPoolOptions } from "../core/doctors/search/pool.ts"
import { Publisher } from "../core/events/publisher.ts"
import { Health } from "../core/health.ts"
import type { Log } from "../core/log.ts"
import { openMeters } from "../core/metrics/meters.ts"
import { requireRestrictedRole } from "../core/migrations/run-role.ts"
import { untilMigrated } from "../core/migrations/wait.ts"
import { requireReadableCards } from "../core/payments/check-keys.ts"
import { openRedis } from "../core/redis.ts"
import { withWholeUrl } from "../core/request-url.ts"
import { sleep } from "../core/time.ts"
import { version } from "../package.json"
import { Admission } from "./admission.ts"
import { type App, createApp } from "./app.ts"
import { createGuards } from "./guards.ts"
import { createNoRoom } from "./no-room.ts"
import { createRateLimits } from "./rate-limit.ts"
import { createForward, type ForwardData } from "./realtime-forward.ts"
import { createFastLane } from "./search/fast-lane.ts"

/** What is answered when even the mapping of errors fails. */
const FAILED = {
  type: "about:blank",
  title: "Internal Server Error",
  status: 500,
  detail: "Something went wrong on our side.",
  instance: null,
}
/** A client that sends or reads nothing for this long is cut. */
const IDLE_TIMEOUT_SECONDS = 30
/** Postgres gets this long to finish what is running when its connections close. */
const POOL_CLOSE_SECONDS = 2

export type Api = {
  url: string
  port: number
  app: App
  health: Health
  searchIndex: SearchIndex
  /** Where its metrics are; undefined: nowhere. */
  metricsPort: number | undefined
  /** Resolves when it is ready; rejects when its settings do not fit what the database holds. */
  started: Promise<void>
  stop: () => Promise<void>
}

/** Serves REST, and forwards sockets when it owns the public port. Listens at once; ready when the database is. */
export function startApi(config: Config, log: Log): Api {
  const stopping = new AbortController()
  const meters = openMeters(config.metrics, "api", version, log)
  const poolOptions = { max: config.databasePool, name: "api" }
  const pool = meters.pool(openPool(config.databaseUrl, poolOptions), poolOptions)
  const nearOptions = nearPoolOptions("api-near", config.databasePool)
  const searchDb = { pool, near: meters.pool(openPool(config.databaseUrl, nearOptions), nearOptions) }
  const session = openPool(config.databaseUrl, { max: 1, name: "api-publisher" })
  const auditPool = openPool(config.databaseUrl, { max: GROUPS_MAX, name: "api-audit", synchronousCommit: "off" })
  const bookingOptions = { max: BOOKING_GROUPS_MAX, name: "api-bookings" }
  const bookingPool = meters.pool(openPool(config.databaseUrl, bookingOptions), bookingOptions)
  const recorder = new Recorder(auditPool)
  const unheard = new Unheard(recorder, log)
  const redis = openRedis(config.redis, { name: "api" })
  const eventLog = meters.eventLog(pool)
  const publisher = new Publisher({
    session,
    redis,
    log,
    streamMaxEvents: config.streamMaxEvents,
    observer: eventLog?.publisher,
  })
  const searchIndex = openSearchIndex(config, log)
  meters.searchIndex(searchIndex)
  eventLog?.consumer("search", () => searchIndex.offset)
  const health = new Health({ pool, redis, version, searchIndex: () => searchIndex.state })
  const verifier = createVerifier(config.auth)
  const limits = createRateLimits(config.rateLimit, redis, log)
  const guards = createGuards(verifier, pool, limits)
  const observeRequest = meters.requests(() => server.pendingRequests)
  const admission = Admission.forConnections(config.databasePool)
  meters.admission(admission)
  const desk = { parties: new Parties(), bookings: new Bookings(pool, bookingPool) }
  const app = createApp({
    config,
    pool,
    searchDb,
    admission,
    log,
    health,
    guards,
    recorder,
    unheard,
    desk,
    codes: createCodeTries(redis),
    searchIndex,
    published: () => publisher.nudge(),
    observeRequest,
  })
  const fastLane = createFastLane({
    index: searchIndex,
    db: searchDb,
    admission,
    verifier,
    reads: limits.reads,
    fetch: app.fetch,
    origins: config.corsOrigins,
    log,
    observe: observeRequest,
  })
  const refuse = createNoRoom({ admission, fetch: app.fetch, origins: config.corsOrigins, log, observe: observeRequest })
  const forward = config.realtimeUrl
    ? createForward(config.realtimeUrl, log, { trustedProxies: config.trustedProxies, observe: observeRequest })
    : undefined
  const route = (request: Request, server: Bun.Server<ForwardData>) =>
    forward?.handles(request.url) ? forward.fetch(request, server) : (refuse(request) ?? app.fetch(withWholeUrl(request), server))

  const server = Bun.serve({
    hostname: config.host,
    port: config.port,
    idleTimeout: IDLE_TIMEOUT_SECONDS,
    development: false,
    fetch(request, server) {
      const answer = fastLane(request)
      return answer instanceof Promise ? answer.then((late) => late ?? route(request, server)) : (answer ?? route(request, server))
    },
    error(error) {
      log.error({ err: error }, "a request failed outside the routes")
      return new Response(JSON.stringify(FAILED), { status: FAILED.status, headers: { "content-type": "application/problem+json" } })
    },
    websocket: forward?.websocket ?? { message() {} },
  })
  const started = untilMigrated(pool, join(import.meta.dir, "..", "sql"), log, stopping.signal).then(async () => {
    await requireRestrictedRole(pool, config, log, stopping.signal)
    searchIndex.start()
    await requireReadableCards(pool, config, log, stopping.signal)
    if (health.phase === "starting") health.phase = "ready"
  })

  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port as number,
    app,
    health,
    searchIndex,
    metricsPort: meters.port,
    started,
    async stop() {
      health.phase = "draining"
      await sleep(config.drainMs)
      stopping.abort()
      // Open sockets would keep the server from stopping; their clients come back to another process.
      forward?.close()
      await server.stop()
      await Promise.all([publisher.close(), searchIndex.close(), unheard.close()])
      await meters.close()
      redis.disconnect()
      await Promise.all([pool, searchDb.near, session, auditPool, bookingPool].map((p) => p.end({ timeout: POOL_CLOSE_SECONDS })))
    },
  }
}

/** With a session of its own for loading and for what changed, so that neither waits for requests; and a connection to wait in. */
function openSearchIndex(config: Config, log: Log): SearchIndexService {
  return new SearchIndexService({
    maxMb: config.searchIndexMaxMb,
    log,
    openPool: () => openPool(config.databaseUrl, { max: 1, name: "api-search" }),
    openRedis: () => openRedis(config.redis, { name: "api-search", blocking: true }),
  })
}
