/** Liveness and readiness, the same in every process. */
import type { Redis } from "ioredis"
import { z } from "zod"
import type { Pool } from "./db.ts"
import { countUnpublished } from "./events/queries.ts"

/** A check that takes longer than this has failed: the load balancer asks again soon. */
const CHECK_TIMEOUT_MS = 2_000
/** Counting stops here; a larger backlog is simply "at least this many". */
const BACKLOG_MAX = 10_000

export type Phase = "starting" | "ready" | "draining"

const Reachable = z.enum(["ok", "down"])

export const Liveness = z
  .object({ status: z.literal("ok"), version: z.string(), uptimeSeconds: z.int().min(0) })
  .meta({ id: "Liveness", examples: [{ status: "ok", version: "0.1.0", uptimeSeconds: 86_400 }] })
export type Liveness = z.infer<typeof Liveness>

export const SearchIndexState = z.enum(["off", "loading", "ready", "too_large"]).meta({
  description: "Of an API process; `too_large`: over its bound, and given up. Where it is not ready, SQL serves every search.",
})
export type SearchIndexState = z.infer<typeof SearchIndexState>

export const Readiness = z
  .object({
    status: z.enum(["ok", "starting", "draining", "unavailable"]),
    checks: z.object({
      postgres: Reachable,
      redis: Reachable.meta({
        description: "Without Redis everything still works, more slowly: it is reported, and no reason to take the process out.",
      }),
      searchIndex: SearchIndexState,
      eventLag: z
        .object({ events: z.int().min(0), seconds: z.number().min(0) })
        .nullable()
        .meta({ description: "Committed events that are not published yet, and the age of the oldest. Null while Postgres is down." }),
    }),
  })
  .meta({
    id: "Readiness",
    examples: [{ status: "ok", checks: { postgres: "ok", redis: "ok", searchIndex: "off", eventLag: { events: 0, seconds: 0 } } }],
  })
export type Readiness = z.infer<typeof Readiness>

export type HealthOptions = { pool: Pool; redis: Redis; version: string; searchIndex?: () => SearchIndexState }

export class Health {
  phase: Phase = "starting"

  constructor(private readonly options: HealthOptions) {}

  /** Touches no dependency. */
  live(): Liveness {
    return { status: "ok", version: this.options.version, uptimeSeconds: Math.floor(process.uptime()) }
  }

  async ready(): Promise<Readiness> {
    const { pool, redis } = this.options
    const [lag, pong] = await Promise.all([orUndefined(countUnpublished(pool, BACKLOG_MAX)), orUndefined(redis.ping())])
    const serving = this.phase === "ready" ? (lag ? "ok" : "unavailable") : this.phase
    return {
      status: serving,
      checks: {
        postgres: lag ? "ok" : "down",
        redis: pong ? "ok" : "down",
        searchIndex: this.options.searchIndex?.() ?? "off",
        eventLag: lag ? { events: lag.rows, seconds: lag.oldestSeconds } : null,
      },
    }
  }

  /** The answer to a health path, for processes that serve nothing else; undefined for any other path. */
  async answer(pathname: string): Promise<Response | undefined> {
    if (pathname === "/health") return Response.json(this.live())
    if (pathname !== "/health/ready") return undefined
    const readiness = await this.ready()
    return Response.json(readiness, { status: readiness.status === "ok" ? 200 : 503 })
  }
}

async function orUndefined<T>(check: Promise<T>): Promise<T | undefined> {
  const timeout = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => timeout.resolve(undefined), CHECK_TIMEOUT_MS)
  try {
    return await Promise.race([check, timeout.promise])
  } catch {
    return undefined
  } finally {
    clearTimeout(timer)
  }
}
