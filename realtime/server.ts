/** The realtime process put together: one port for sockets and health, one follower of the log. */
import { join } from "node:path"
import type { WebSocketData } from "@socket.io/bun-engine"
import { Server } from "socket.io"
import { GROUPS_MAX, Recorder } from "../core/audit/recorder.ts"
import { Unheard } from "../core/audit/unheard.ts"
import { createVerifier, type VerifierOptions } from "../core/auth/firebase.ts"
import { CallWindows } from "../core/call-windows.ts"
import type { Config } from "../core/config.ts"
import { openPool } from "../core/db.ts"
import { Health } from "../core/health.ts"
import type { Log } from "../core/log.ts"
import { openMeters } from "../core/metrics/meters.ts"
import { requireRestrictedRole } from "../core/migrations/run-role.ts"
import { untilMigrated } from "../core/migrations/wait.ts"
import { openRedis } from "../core/redis.ts"
import { urlOf, withWholeUrl } from "../core/request-url.ts"
import { sleep } from "../core/time.ts"
import { version } from "../package.json"
import { attachAdapter } from "./adapter.ts"
import { Engine, type EngineTuning, IDLE_TIMEOUT_S, INBOUND_LIMIT_BYTES, SOCKET_PATH } from "./connection.ts"
import { CONNECT_TIMEOUT_MS, Gateway } from "./gateway.ts"
import { HandshakeAudit } from "./handshake-audit.ts"
import { Relay } from "./relay.ts"
import type { SessionTuning } from "./session.ts"

/** Postgres gets this long to finish what is running when its connections close. */
const POOL_CLOSE_S = 2
const LAST_ANSWERS_MS = 1_000
/** A person's handshakes are as many as their reads may be. */
const LIMIT_WINDOW_S = 60

export type Realtime = {
  url: string
  port: number
  health: Health
  /** How far this process has read the log; undefined until it has begun. */
  cursor: () => number | undefined
  connections: () => number
  /** Where its metrics are; undefined: nowhere. */
  metricsPort: number | undefined
  /** Resolves when it is ready; rejects when its settings do not fit the database. */
  started: Promise<void>
  stop: () => Promise<void>
}

/** Tests cannot wait as long as clients may, and play Google themselves. */
export type RealtimeTuning = SessionTuning & EngineTuning & { certificateAgent?: VerifierOptions["certificateAgent"] }

/** Listens at once; ready when the database is. */
export function startRealtime(config: Config, log: Log, tuning: RealtimeTuning = {}): Realtime {
  const stopping = new AbortController()
  const meters = openMeters(config.metrics, "realtime", version, log)
  const poolOptions = { max: config.databasePool, name: "realtime" }
  const pool = meters.pool(openPool(config.databaseUrl, poolOptions), poolOptions)
  const auditPool = openPool(config.databaseUrl, { max: GROUPS_MAX, name: "realtime-audit", synchronousCommit: "off" })
  const redis = openRedis(config.redis, { name: "realtime" })
  const reader = openRedis(config.redis, { name: "realtime-reader", blocking: true })
  const health = new Health({ pool, redis, version })
  const io = new Server({ connectTimeout: CONNECT_TIMEOUT_MS, serveClient: false })
  const { corsOrigins, trustedProxies } = config
  const engine = new Engine({ corsOrigins, trustedProxies, ...tuning })
  const detachAdapter = attachAdapter(io, redis)
  const relay = new Relay({ pool, redis: reader, log })
  meters.eventLog(pool)?.consumer("realtime", () => relay.cursor)
  // Typed for Engine.IO on Node; the Bun engine is made for exactly this call.
  io.bind(engine.engine as unknown as Parameters<Server["bind"]>[0])
  const observer = meters.sockets({ connections: () => engine.connections, sockets: () => gateway.sockets })
  const verifier = createVerifier(config.auth, { certificateAgent: tuning.certificateAgent })
  const recorder = new Recorder(auditPool)
  const unheard = new Unheard(recorder, log)
  const audit = new HandshakeAudit(recorder, unheard)
  const limit = config.rateLimit.on ? new CallWindows(config.rateLimit.readsPerMinute, LIMIT_WINDOW_S) : undefined
  const gateway = new Gateway({ io, pool, relay, engine, log, observer, verifier, audit, limit, ...tuning })

  const server = Bun.serve<WebSocketData>({
    hostname: config.host,
    port: config.port,
    idleTimeout: IDLE_TIMEOUT_S,
    maxRequestBodySize: INBOUND_LIMIT_BYTES,
    development: false,
    websocket: engine.websocket,
    async fetch(request, self) {
      const { pathname } = urlOf(request)
      if (pathname === SOCKET_PATH) return await engine.handle(withWholeUrl(request), self, self.requestIP(request)?.address)
      return (await health.answer(pathname)) ?? new Response(null, { status: 404 })
    },
    error(error) {
      log.error({ err: error }, "a request failed")
      return new Response(null, { status: 500 })
    },
  })
  const started = untilMigrated(pool, join(import.meta.dir, "..", "sql"), log, stopping.signal).then(async () => {
    await requireRestrictedRole(pool, config, log, stopping.signal)
    await relay.start(gateway)
    if (stopping.signal.aborted) return
    engine.accepting = true
    if (health.phase === "starting") health.phase = "ready"
  })

  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port as number,
    health,
    cursor: () => relay.cursor,
    connections: () => engine.connections,
    metricsPort: meters.port,
    started,
    async stop() {
      health.phase = "draining"
      await sleep(config.drainMs)
      stopping.abort()
      engine.accepting = false
      await relay.close()
      // Closes the transports without Socket.IO's own farewell, after which clients would not come again by themselves.
      await io.close()
      detachAdapter()
      // The last answers leave; a client that does not take its own is not waited for.
      await Promise.race([server.stop(), sleep(LAST_ANSWERS_MS)])
      await server.stop(true)
      await Promise.all([meters.close(), unheard.close()])
      redis.disconnect()
      await Promise.all([pool, auditPool].map((p) => p.end({ timeout: POOL_CLOSE_S })))
    },
  }
}
