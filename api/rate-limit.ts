/**
 * Limits per caller. Reads are counted in the process, so that a search costs no round trip; writes are counted in Redis,
 * so that all processes count together, and in the process while Redis is away.
 * Headers: draft-ietf-httpapi-ratelimit-headers-10.
 */
import type { Context } from "hono"
import type { Redis } from "ioredis"
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible"
import { type CallWindow, CallWindows } from "../core/call-windows.ts"
import type { Config } from "../core/config.ts"
import { Refusal } from "../core/errors.ts"
import type { Log } from "../core/log.ts"

const WINDOW_SECONDS = 60

export type RateLimits = {
  take: (c: Context, caller: string) => Promise<void>
  /** Where reads are counted; undefined: nowhere. */
  reads: CallWindows | undefined
}

export function createRateLimits(config: Config["rateLimit"], redis: Redis, log: Log): RateLimits {
  if (!config.on) return { take: async () => {}, reads: undefined }
  const reads = new CallWindows(config.readsPerMinute, WINDOW_SECONDS)
  const insurance = new RateLimiterMemory({ keyPrefix: "writes", points: config.writesPerMinute, duration: WINDOW_SECONDS })
  const writes = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: "pulsecal:writes",
    points: config.writesPerMinute,
    duration: WINDOW_SECONDS,
    insuranceLimiter: insurance,
    rejectIfRedisNotReady: true,
  })
  reportOutages(redis, log)
  return {
    reads,
    take: async (c, caller) =>
      c.req.method === "GET" || c.req.method === "HEAD" ? takeRead(c, reads, caller) : await takeWrite(c, writes, caller),
  }
}

export const readsPolicy = (reads: CallWindows) => policyOf("reads", reads.max)
/** What a caller is told who has just made a call in this window. */
export const readsLeft = (reads: CallWindows, window: CallWindow, nowMs: number) =>
  stateOf("reads", Math.max(0, reads.max - window.calls), window.endsAtMs - nowMs)

function reportOutages(redis: Redis, log: Log): void {
  let away = false
  redis.on("close", () => {
    if (!away) log.warn("Redis is away: writes are limited by each process on its own")
    away = true
  })
  redis.on("ready", () => {
    if (away) log.info("Redis is back: writes are limited by all processes together")
    away = false
  })
}

function takeRead(c: Context, reads: CallWindows, caller: string): void {
  const now = Date.now()
  const window = reads.of(caller, now)
  window.calls++
  c.header("RateLimit-Policy", readsPolicy(reads))
  c.header("RateLimit", readsLeft(reads, window, now))
  if (window.calls > reads.max) throw tooMany("reads", window.endsAtMs - now)
}

async function takeWrite(c: Context, writes: RateLimiterRedis, caller: string): Promise<void> {
  c.header("RateLimit-Policy", policyOf("writes", writes.points))
  const say = (state: RateLimiterRes) => c.header("RateLimit", stateOf("writes", state.remainingPoints, state.msBeforeNext))
  try {
    say(await writes.consume(caller))
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused
    say(refused)
    throw tooMany("writes", refused.msBeforeNext)
  }
}

const policyOf = (policy: string, calls: number) => `"${policy}";q=${calls};w=${WINDOW_SECONDS}`
const stateOf = (policy: string, left: number, msLeft: number) => `"${policy}";r=${left};t=${Math.max(0, Math.ceil(msLeft / 1000))}`

function tooMany(policy: string, msLeft: number): Refusal {
  const seconds = Math.max(1, Math.ceil(msLeft / 1000))
  return new Refusal("rate_limited", `Too many ${policy}. Try again in ${seconds} s.`, { retryAfterSeconds: seconds })
}
