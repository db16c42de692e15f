import { Redis, type RedisOptions } from "ioredis"
import type { RedisConfig } from "./config.ts"

const CONNECT_TIMEOUT_MS = 5_000
/** A Redis that does not answer within this is treated as away: it is a fast hint, never the truth. */
export const COMMAND_TIMEOUT_MS = 2_000
/** A reader may wait this much longer than that: the longest it may ask Redis to block. */
export const MAX_BLOCK_MS = 1_000
/** A connection that is being dropped is cut after this, whether or not the other side agrees. */
const DISCONNECT_TIMEOUT_MS = 200
const FIRST_RETRY_DELAY_MS = 50
const MAX_RETRY_DELAY_MS = 2_000

/**
 * A connection for commands that must fail fast: no queue while Redis is away, one try, a timeout each. It connects
 * again for ever. `blocking` is for a reader that waits in XREAD, at most {@link MAX_BLOCK_MS}.
 *
 * The timeout is the socket's, not the command's: a command that merely gave up would leave the dead connection in
 * place for the next one to wait on, and the handshake of a new connection would have no bound at all.
 */
export function openRedis(config: RedisConfig, options: { name: string; blocking?: boolean }): Redis {
  return open(config, options.name, {
    socketTimeout: options.blocking ? COMMAND_TIMEOUT_MS + MAX_BLOCK_MS : COMMAND_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
  })
}

/** BullMQ's workers block for up to 10 s; one that hears nothing for longer is connected to nobody. */
const QUEUE_SILENCE_MS = 15_000

/**
 * A connection for BullMQ's workers, which wait for Redis as long as it takes. It connects by itself, as its duplicates do: BullMQ would
 * take a first try that fails for the end of one that has to be told to.
 */
export function openQueueRedis(config: RedisConfig, options: { name: string }): Redis {
  const patience = { socketTimeout: QUEUE_SILENCE_MS, maxRetriesPerRequest: null, enableOfflineQueue: true }
  return open(config, options.name, { ...patience, lazyConnect: false })
}

function open(config: RedisConfig, name: string, patience: RedisOptions): Redis {
  const redis = new Redis({
    host: config.host,
    port: config.port,
    username: config.username,
    password: config.password,
    ...(config.tls ? { tls: {} } : {}),
    connectionName: `pulsecal-${name}`,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    lazyConnect: true,
    retryStrategy: (attempt) => Math.min(FIRST_RETRY_DELAY_MS * 2 ** Math.min(attempt - 1, 6), MAX_RETRY_DELAY_MS),
    // A master that became a replica: its name leads to the new master.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
    ...patience,
  })
  // Each use handles its own failure; without a listener ioredis prints a stack for every try to connect.
  redis.on("error", () => {})
  if (redis.status === "wait") redis.connect().catch(() => {})
  return redis
}
