/**
 * Limits per caller. Reads are counted in the process, so that a search costs no round trip; writes are counted in Redis,
 * so that all processes count together, and in the process while Redis is away.
 * Headers: draft-ietf-httpapi-ratelimit-headers-10.
 */
import type { Context } from "hono"
import type { Redis } from "ioredis"
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible"
import type { Config } from "../core/config.ts"
import { Refusal } from "../core/errors.ts"
import type { Log } from "../core/log.ts"

const WINDOW_SECONDS = 60

export type RateLimits = { take: (c: Context, caller: string) => Promise<void> }

export function createRateLimits(config: Config["rateLimit"], redis: Redis, log: Log): RateLimits {
  if (!config.on) return { take: async () => {} }
  const reads = new RateLimiterMemory({ keyPrefix: "reads", points: config.readsPerMinute, duration: WINDOW_SECONDS })
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
    take: (c, caller) =>
      c.req.method === "GET" || c.req.method === "HEAD" ? take(c, reads, "reads", caller) : take(c, writes, "writes", caller),
  }
}

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

async function take(c: Context, limiter: RateLimiterAbstract, policy: string, caller: string): Promise<void> {
  c.header("RateLimit-Policy", `"${policy}";q=${limiter.points};w=${WINDOW_SECONDS}`)
  try {
    say(c, policy, await limiter.consume(caller))
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused
    say(c, policy, refused)
    const seconds = Math.max(1, Math.ceil(refused.msBeforeNext / 1000))
    throw new Refusal("rate_limited", `Too many ${policy}. Try again in ${seconds} s.`, { retryAfterSeconds: seconds })
  }
}

function say(c: Context, policy: string, state: RateLimiterRes): void {
  c.header("RateLimit", `"${policy}";r=${state.remainingPoints};t=${Math.max(0, Math.ceil(state.msBeforeNext / 1000))}`)
}
