/** Real Postgres databases and real Redis servers, one of each a test file, so that files can run at the same time. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Redis } from "ioredis"
import postgres from "postgres"
import type { RedisConfig } from "../../core/config.ts"
import { openPool, type Pool } from "../../core/db.ts"
import { ensureRunRole } from "../../core/migrations/run-role.ts"
import { runUrlOf } from "../../scripts/services/migration.ts"
import { findFreePort } from "../../scripts/services/ports.ts"
import { type Server, startServer } from "../../scripts/services/server.ts"

const START_TIMEOUT_MS = 10_000

function required(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: run tests through \`bun run test\`, which starts Postgres and sets it`)
  return value
}

/** `pool` and `ownerUrl` are the owner's; `url` is of the role that the processes run as. */
export type TestDatabase = AsyncDisposable & { pool: Pool; url: string; ownerUrl: string }

const RUN_ROLE = "pulsecal_test"

/** A clone of the migrated template, with a log id of its own. */
export async function testDatabase(options: { max?: number } = {}): Promise<TestDatabase> {
  const adminUrl = required("TEST_DATABASE_URL")
  const name = `test_${Bun.randomUUIDv7().replaceAll("-", "")}`
  const admin = postgres(adminUrl, { max: 1, onnotice: () => {} })
  await admin`create database ${admin(name)} template ${admin(required("TEST_TEMPLATE"))}`
  const ownerUrl = Object.assign(new URL(adminUrl), { pathname: `/${name}` }).href
  const url = runUrlOf(ownerUrl, RUN_ROLE)
  const pool = openPool(ownerUrl, { max: options.max ?? 10, name: "test" })
  await ensureRunRole(pool, url)
  await pool`update event_log set id = gen_random_uuid()`
  return {
    pool,
    url,
    ownerUrl,
    async [Symbol.asyncDispose]() {
      await pool.end({ timeout: 1 })
      await admin`drop database ${admin(name)} with (force)`
      await admin.end()
    },
  }
}

/** `ownerUrl` is of the one login there is, `pool` a superuser's. */
export type HostedDatabase = AsyncDisposable & { pool: Pool; owner: string; ownerUrl: string }

/** An empty database as it is rented: its owner is no superuser, may make roles and has nobody else to log in as. */
export async function hostedDatabase(): Promise<HostedDatabase> {
  const adminUrl = required("TEST_DATABASE_URL")
  const id = Bun.randomUUIDv7().replaceAll("-", "")
  const [name, owner] = [`test_${id}`, `owner_${id}`]
  const admin = postgres(adminUrl, { max: 1, onnotice: () => {} })
  await admin`create role ${admin(owner)} login createrole password 'secret'`
  // What the owner would have of pulsecal_app by making it, which on this server was done before.
  await admin`grant pulsecal_app to ${admin(owner)} with admin true, inherit false, set false`
  await admin`create database ${admin(name)} owner ${admin(owner)}`
  const url = Object.assign(new URL(adminUrl), { pathname: `/${name}` })
  const pool = openPool(url.href, { max: 1, name: "test" })
  return {
    pool,
    owner,
    ownerUrl: Object.assign(url, { username: owner, password: "secret" }).href,
    async [Symbol.asyncDispose]() {
      await pool.end({ timeout: 1 })
      await admin`drop database ${admin(name)} with (force)`
      await admin`drop role ${admin(owner)}`
      await admin.end()
    },
  }
}

export { findFreePort as freePort } from "../../scripts/services/ports.ts"

export type TestRedis = AsyncDisposable & {
  config: RedisConfig
  /** Kills the server as a crash would; `start` brings it back on the same port and data. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Stops the server's clock: it keeps its connections and answers nobody, as a hung machine would. */
  pause(): void
  resume(): void
  /** Asks everybody for this password from now on, until it is started again. */
  lock(password: string): Promise<void>
  /** Where it keeps its data. */
  dir: string
}

/** A Redis server of its own. With `persist`, writes survive a restart as far as `appendfsync` says. */
export async function testRedis(options: { persist?: boolean } = {}): Promise<TestRedis> {
  const port = await findFreePort()
  const dir = await mkdtemp(join(tmpdir(), "pulsecal-redis-"))
  let server: Server | undefined
  const start = async () => {
    const settings = {
      port,
      bind: "127.0.0.1",
      dir,
      save: "",
      appendonly: options.persist ? "yes" : "no",
      "maxmemory-policy": "noeviction",
    }
    const command = [
      process.env.TEST_REDIS_SERVER ?? "redis-server",
      ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ]
    // With a keeper, so that a test that is killed leaves no server.
    server = startServer({
      name: "Redis",
      command,
      logFile: join(dir, "redis.log"),
      identityFile: join(dir, "process.json"),
      stopSignal: "SIGTERM",
    })
    await untilListening(port)
  }
  const signal = (name: NodeJS.Signals) => {
    if (server?.running()) process.kill(server.pid, name)
  }
  const kill = async () => {
    signal("SIGKILL")
    await server?.exited
  }
  await start()
  const config: RedisConfig = { host: "127.0.0.1", port, tls: false }
  return {
    config,
    async lock(password) {
      // Not on its command line, where everybody could read it.
      const client = new Redis({ host: config.host, port, maxRetriesPerRequest: 1 })
      await client.config("SET", "requirepass", password)
      client.disconnect()
      config.password = password
    },
    kill,
    start,
    pause: () => signal("SIGSTOP"),
    resume: () => signal("SIGCONT"),
    dir,
    async [Symbol.asyncDispose]() {
      await kill()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function untilListening(port: number): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  for (;;) {
    try {
      const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } })
      socket.end()
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      await Bun.sleep(10)
    }
  }
}

/** Waits until `check` returns something truthy; fails with `what` after `timeoutMs`. */
export async function until<T>(what: string, check: () => T | Promise<T>, timeoutMs = 5_000): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const value = await check()
    if (value) return value
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await Bun.sleep(5)
  }
}
