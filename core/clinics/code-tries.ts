/** Wrong codes are few an hour for each caller, counted in Redis by all processes together, and by each alone while Redis is away. */
import type { Redis } from "ioredis"
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible"
import { Refusal } from "../errors.ts"
import { WrongCode } from "./verification.ts"

const WRONG_TRIES_MAX = 5
const WINDOW_SECONDS = 60 * 60

export type CodeTries = {
  /** Does what needs a code. After too many wrong ones it is not even tried, with whatever code. */
  attempt: <T>(uid: string, join: () => Promise<T>) => Promise<T>
}

export function createCodeTries(redis: Redis): CodeTries {
  const window = { points: WRONG_TRIES_MAX, duration: WINDOW_SECONDS }
  const tries = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: "pulsecal:codes",
    ...window,
    insuranceLimiter: new RateLimiterMemory({ keyPrefix: "codes", ...window }),
    rejectIfRedisNotReady: true,
  })
  return {
    async attempt(uid, join) {
      // Paid for before it is known to be wrong, so that tries at the same time are no more than those one after another.
      await tries.consume(uid).catch((refused: unknown) => {
        throw refused instanceof RateLimiterRes ? tooMany(refused) : refused
      })
      try {
        const joined = await join()
        await tries.reward(uid)
        return joined
      } catch (error) {
        if (!(error instanceof WrongCode)) await tries.reward(uid)
        throw error
      }
    },
  }
}

function tooMany({ msBeforeNext }: RateLimiterRes): Refusal {
  const retryAfterSeconds = Math.max(1, Math.ceil(msBeforeNext / 1000))
  return new Refusal("rate_limited", "Too many wrong verification codes. Try again later.", { retryAfterSeconds })
}
