/** What is attacked: processes of their own, whose logs and memory are looked at afterwards. */
import { closeSync, openSync } from "node:fs"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { person, type TestApi } from "../harness/api.ts"
import { type TestDatabase, type TestRedis, testDatabase, testRedis } from "../harness/services.ts"
import type { Memory } from "./memory.ts"

export type Child = AsyncDisposable & {
  port: number
  /** What it holds after its garbage has been collected. */
  memory: () => Promise<Memory>
  isRunning: () => boolean
  /** All that it has printed. */
  log: () => Promise<string>
}

export type Target = TestApi & Child

/** `settings`: environment variables on top of the test's own. */
export async function target(settings: Record<string, string> = {}): Promise<Target> {
  const [database, redis] = await Promise.all([testDatabase(), testRedis()])
  const child = await startChild("api-child.ts", { ...storesOf(database, redis), ...settings })
  const url = `http://127.0.0.1:${child.port}`
  return {
    ...child,
    url,
    database,
    redis,
    person: (uid = `uid-${Bun.randomUUIDv7()}`) => person(url, uid),
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]()
      await redis[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

/** A realtime process beside an API. */
export const realtimeBeside = ({ database, redis }: Target, settings: Record<string, string>): Promise<Child> =>
  startChild("realtime-child.ts", { ...storesOf(database, redis), ...settings })

const storesOf = (database: TestDatabase, redis: TestRedis) => ({
  DATABASE_URL: database.url,
  REDIS_HOST: redis.config.host,
  REDIS_PORT: String(redis.config.port),
})

async function startChild(script: string, settings: Record<string, string>): Promise<Child> {
  const folder = await mkdtemp(join(tmpdir(), "pulsecal-hostile-"))
  const logFile = join(folder, "log")
  const logTo = openSync(logFile, "a")
  const messages: { next: PromiseWithResolvers<unknown> } = { next: Promise.withResolvers() }
  const child = Bun.spawn([process.execPath, join(import.meta.dir, script)], {
    env: {
      PATH: process.env.PATH ?? "",
      NODE_ENV: "test",
      HOST: "127.0.0.1",
      PORT: "0",
      AUTH_DEV_TOKENS: "1",
      LOG_LEVEL: "warn",
      ...settings,
    },
    stdio: ["ignore", logTo, logTo],
    ipc: (message) => messages.next.resolve(message),
  })
  const ended = child.exited.then(async () => {
    throw new Error(`${script} has ended:\n${await readFile(logFile, "utf8")}`)
  })
  ended.catch(() => {})
  const { port } = (await Promise.race([messages.next.promise, ended])) as { port: number }
  return {
    port,
    async memory() {
      messages.next = Promise.withResolvers()
      child.send("memory")
      return (await Promise.race([messages.next.promise, ended])) as Memory
    },
    isRunning: () => child.exitCode === null && child.signalCode === null,
    log: () => readFile(logFile, "utf8"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL")
      await child.exited
      closeSync(logTo)
      await rm(folder, { recursive: true })
    },
  }
}
