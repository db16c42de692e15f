import { Redis } from "ioredis"
import type { RedisConfig } from "./config.ts"

const CONNECT_TIMEOUT_MS = 5_000
/** A Redis that does not answer within this is treated as away: it is a fast hint, never the truth. */
export const COMMAND_TIMEOUT_MS = 2_000
const MAX_RETRY_DELAY_MS = 2_000

/**
 * A connection for commands that must fail fast: no queue while Redis is away, one try, a timeout each.
 * `blocking` is for a reader that waits in XREAD and bounds its own waiting.
 */
export function openRedis(config: RedisConfig, options: { name: string; blocking?: boolean }): Redis {
  const redis = new Redis({
    host: config.host,
    port: config.port,
    username: config.username,
    password: config.password,
    ...(config.tls ? { tls: {} } : {}),
    connectionName: `pulsecal-${options.name}`,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: options.blocking ? undefined : COMMAND_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    lazyConnect: true,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), MAX_RETRY_DELAY_MS),
  })
  // Each use handles its own failure; without a listener ioredis prints a stack for every try to connect.
  redis.on("error", () => {})
  redis.connect().catch(() => {})
  return redis
}
