/** The API that is attacked: a process of its own, whose log and memory are looked at afterwards. */
import { closeSync, openSync } from "node:fs"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { person, type TestApi } from "../harness/api.ts"
import { testDatabase, testRedis } from "../harness/services.ts"

export type Memory = { heapBytes: number; residentBytes: number }

export type Target = TestApi & {
  port: number
  /** What it holds after its garbage has been collected. */
  memory: () => Promise<Memory>
  isRunning: () => boolean
  /** All that it has printed. */
  log: () => Promise<string>
}

const CHILD = join(import.meta.dir, "api-child.ts")

/** `settings`: environment variables on top of the test's own. */
export async function target(settings: Record<string, string> = {}): Promise<Target> {
  const [database, redis, folder] = await Promise.all([testDatabase(), testRedis(), mkdtemp(join(tmpdir(), "pulsecal-hostile-"))])
  const logFile = join(folder, "log")
  const logTo = openSync(logFile, "a")
  const messages: { next: PromiseWithResolvers<unknown> } = { next: Promise.withResolvers() }
  const child = Bun.spawn([process.execPath, CHILD], {
    env: {
      PATH: process.env.PATH ?? "",
      NODE_ENV: "test",
      HOST: "127.0.0.1",
      PORT: "0",
      DATABASE_URL: database.url,
      REDIS_HOST: redis.config.host,
      REDIS_PORT: String(redis.config.port),
      AUTH_DEV_TOKENS: "1",
      LOG_LEVEL: "warn",
      ...settings,
    },
    stdio: ["ignore", logTo, logTo],
    ipc: (message) => messages.next.resolve(message),
  })
  const ended = child.exited.then(async () => {
    throw new Error(`the API has ended:\n${await readFile(logFile, "utf8")}`)
  })
  ended.catch(() => {})
  const { port } = (await Promise.race([messages.next.promise, ended])) as { port: number }
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    port,
    database,
    redis,
    person: (uid = `uid-${Bun.randomUUIDv7()}`) => person(url, uid),
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
      await redis[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}
