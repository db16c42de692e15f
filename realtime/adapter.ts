/**
 * Socket.IO's Redis adapter, for what may be lost: pub/sub delivers at most once. Events never travel by it: every
 * process reads the log itself and emits to its own sockets, so an outage of Redis neither loses nor delays them.
 */
import { createAdapter } from "@socket.io/redis-adapter"
import type { Redis } from "ioredis"
import type { Server } from "socket.io"

/** Keeps our channels apart from other users of the same Redis. */
const CHANNEL_PREFIX = "pulsecal:sockets"

/** The adapter awaits none of its commands: one that fails with its connection would otherwise end the process. */
function unattended(client: Redis): Redis {
  const send = client.sendCommand.bind(client)
  client.sendCommand = (...args) => {
    const answer = send(...args)
    Promise.resolve(answer).catch(() => {})
    return answer
  }
  client.on("error", () => {})
  return client
}

/** Attaches the adapter on two connections like `redis`. Returns a function that ends both. */
export function attachAdapter(io: Server, redis: Redis): () => void {
  // Subscriptions wait for Redis instead of failing, and are taken again whenever it comes back.
  const options = { enableOfflineQueue: true, maxRetriesPerRequest: null, commandTimeout: undefined, lazyConnect: false }
  const clients = [unattended(redis.duplicate(options)), unattended(redis.duplicate(options))] as const
  io.adapter(createAdapter(...clients, { key: CHANNEL_PREFIX }))
  return () => {
    for (const client of clients) client.disconnect()
  }
}
