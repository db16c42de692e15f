import { join } from "node:path"
import { configOrExit } from "../core/config.ts"
import { openPool } from "../core/db.ts"
import { Publisher } from "../core/events/publisher.ts"
import { Health } from "../core/health.ts"
import { openLog } from "../core/log.ts"
import { untilMigrated } from "../core/migrations/wait.ts"
import { handleSignals } from "../core/process.ts"
import { openRedis } from "../core/redis.ts"
import { urlOf } from "../core/request-url.ts"
import { sleep } from "../core/time.ts"
import { version } from "../package.json"

/** What an API process could not publish, because it was killed or Redis was away, waits no longer than this. */
const SWEEP_MS = 1_000

const config = configOrExit()
const log = openLog("worker", config.logLevel)
const stopping = new AbortController()
const pool = openPool(config.databaseUrl, { max: 4, name: "worker" })
const session = openPool(config.databaseUrl, { max: 1, name: "worker-publisher" })
const redis = openRedis(config.redis, { name: "worker" })
const publisher = new Publisher({ session, redis, log, streamMaxEvents: config.streamMaxEvents })
const health = new Health({ pool, redis, version })

const server = Bun.serve({
  hostname: config.host,
  port: config.port,
  development: false,
  fetch: async (request) => (await health.answer(urlOf(request).pathname)) ?? new Response(null, { status: 404 }),
})
log.info({ port: server.port }, "worker listening for health checks")

async function sweepUntilStopped(): Promise<void> {
  await untilMigrated(pool, join(import.meta.dir, "..", "sql"), log, stopping.signal)
  health.phase = "ready"
  while (!stopping.signal.aborted) {
    await publisher.sweep()
    await sleep(SWEEP_MS, stopping.signal)
  }
}
const sweeping = sweepUntilStopped()

handleSignals({
  log,
  stop: async () => {
    health.phase = "draining"
    stopping.abort()
    await sweeping
    await publisher.close()
    await server.stop()
    redis.disconnect()
    await Promise.all([pool.end({ timeout: 2 }), session.end({ timeout: 2 })])
  },
})
