/** The whole system as it is deployed: api, worker and realtime as processes of their own, behind one public port, with real signals. */
import { io, type Socket } from "socket.io-client"
import { freePort, type TestDatabase, type TestRedis, testDatabase, testRedis, until } from "./services.ts"

export type ProcessName = "api" | "worker" | "realtime"

export type TestSystem = AsyncDisposable & {
  /** The public port. */
  url: string
  /** What each process listens on itself. */
  ports: Record<ProcessName, number>
  database: TestDatabase
  redis: TestRedis
  /** The private ports of their metrics. */
  metricsPorts: Record<ProcessName, number>
  signal: (name: ProcessName, signal: NodeJS.Signals) => void
  /** Kills as a crash would; resolves when the process is gone. */
  kill: (name: ProcessName) => Promise<void>
  /** Starts a process that is not running, on its old port. */
  start: (name: ProcessName) => Promise<void>
}

const START_TIMEOUT_MS = 15_000

/** `logTo`: a file descriptor that all they print goes to; `settings`: on top of the test's own; `redisPassword`: what Redis asks for. */
export async function testSystem({
  logTo,
  settings = {},
  redisPassword,
}: {
  logTo?: number
  settings?: Record<string, string>
  redisPassword?: string
} = {}): Promise<TestSystem> {
  const database = await testDatabase()
  const redis = await testRedis()
  if (redisPassword !== undefined) await redis.lock(redisPassword)
  const ports = { api: await freePort(), worker: await freePort(), realtime: await freePort() }
  const metricsPorts = { api: await freePort(), worker: await freePort(), realtime: await freePort() }
  const environment = {
    PATH: process.env.PATH ?? "",
    NODE_ENV: "test",
    HOST: "127.0.0.1",
    DATABASE_URL: database.url,
    REDIS_HOST: redis.config.host,
    REDIS_PORT: String(redis.config.port),
    REDIS_PASSWORD: redis.config.password ?? "",
    AUTH_DEV_TOKENS: "1",
    LOG_LEVEL: "warn",
    REALTIME_URL: `http://127.0.0.1:${ports.realtime}`,
    ...settings,
  }
  const running = new Map<ProcessName, Bun.Subprocess>()
  const start = async (name: ProcessName) => {
    const main = `${import.meta.dir}/../../${name}/main.ts`
    running.set(
      name,
      Bun.spawn([process.execPath, main], {
        // Over this channel it notices when the test is gone, and goes too.
        ipc: () => {},
        env: { ...environment, PORT: String(ports[name]), METRICS_PORT: String(metricsPorts[name]) },
        stdio: ["ignore", logTo ?? "inherit", logTo ?? "inherit"],
      }),
    )
    await until(`${name} is ready`, () => isReady(ports[name]), START_TIMEOUT_MS)
  }
  const end = async (name: ProcessName, signal: NodeJS.Signals) => {
    const process_ = running.get(name)
    process_?.kill(signal)
    await process_?.exited
    running.delete(name)
  }
  await Promise.all([start("api"), start("worker"), start("realtime")])
  return {
    url: `http://127.0.0.1:${ports.api}`,
    ports,
    database,
    redis,
    metricsPorts,
    start,
    signal: (name, signal) => running.get(name)?.kill(signal),
    kill: (name) => end(name, "SIGKILL"),
    async [Symbol.asyncDispose]() {
      await Promise.all([...running.keys()].map((name) => end(name, "SIGKILL")))
      await redis[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok
  } catch {
    return false
  }
}

export type Heard = { name: string; data: Record<string, unknown>; meta: { id: string; offset: number; occurredAt: string } }

export type Listener = AsyncDisposable & {
  socket: Socket
  heard: Heard[]
  /** Of each `stream:ready`, its offset. */
  ready: number[]
  named: (name: string) => Record<string, unknown>[]
}

/** A client of the public port that keeps all it hears and connects again from the last offset it saw. */
export async function listen(url: string, token: string, options: { transports?: string[]; lastOffset?: number } = {}): Promise<Listener> {
  const heard: Heard[] = []
  const ready: number[] = []
  const auth: { token: string; lastOffset?: number } = { token, lastOffset: options.lastOffset }
  const socket = io(`${url}/notifications`, {
    auth,
    transports: options.transports ?? ["websocket"],
    forceNew: true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 200,
  })
  socket.onAny((name: string, data, meta) => {
    if (name === "stream:ready") {
      ready.push(data.offset)
      auth.lastOffset = Math.max(auth.lastOffset ?? 0, data.offset)
    } else if (meta) {
      heard.push({ name, data, meta })
      auth.lastOffset = meta.offset
    }
  })
  await until("the socket is ready", () => ready.length > 0, 10_000)
  return {
    socket,
    heard,
    ready,
    named: (name) => heard.filter((h) => h.name === name).map((h) => h.data),
    async [Symbol.asyncDispose]() {
      socket.disconnect()
    },
  }
}
