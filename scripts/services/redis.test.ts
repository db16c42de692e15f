import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Redis } from "ioredis"
import { startRedis } from "./redis.ts"
import { readIdentity } from "./server.ts"

let folder: string
const lines: string[] = []
const say = (line: string) => void lines.push(line)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulsecal-redis-test-"))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function ask<T>(port: number, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({ host: "127.0.0.1", port })
  return question(redis).finally(() => redis.disconnect())
}

test("data are kept from one start to the next, never evicted, and offered on the loopback interface only", async () => {
  const first = await startRedis({ dataDir: folder, say })
  await ask(first.config.port, (redis) => redis.set("kept", "yes"))
  await first.stop()
  const second = await startRedis({ dataDir: folder, say })
  expect(await ask(second.config.port, (redis) => redis.get("kept"))).toBe("yes")
  const settings = await ask(second.config.port, async (redis) => ({
    policy: (await redis.config("GET", "maxmemory-policy")) as unknown,
    bind: (await redis.config("GET", "bind")) as unknown,
    log: (await redis.config("GET", "appendonly")) as unknown,
  }))
  expect(settings).toEqual({ policy: ["maxmemory-policy", "noeviction"], bind: ["bind", "127.0.0.1"], log: ["appendonly", "yes"] })
  await second.stop()
})

test("after the server was killed, the next start goes on with what was written", async () => {
  const first = await startRedis({ dataDir: folder, say })
  await ask(first.config.port, (redis) => redis.set("before", "the crash"))
  await Bun.sleep(1_200) // The file is flushed every second.
  process.kill(readIdentity(join(folder, "redis-process.json"))?.pid ?? 0, "SIGKILL")
  expect(await first.exited).toBe("signal SIGKILL")
  const second = await startRedis({ dataDir: folder, say })
  expect(await ask(second.config.port, (redis) => redis.get("before"))).toBe("the crash")
  await second.stop()
})
