/** In production no process serves as a role that could undo the audit: each is started as one, and ends. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { freePort, type TestDatabase, type TestRedis, testDatabase, testRedis, until } from "./harness/services.ts"

const PROCESSES = ["api", "worker", "realtime"]
const END_MS = 15_000
const MEMBER = `member_${Bun.randomUUIDv7().slice(-12)}`

let database: TestDatabase
let redis: TestRedis
beforeAll(async () => {
  ;[database, redis] = await Promise.all([testDatabase(), testRedis()])
  await database.pool.unsafe(`create role ${MEMBER} login password 'secret' in role ${new URL(database.ownerUrl).username}`)
})
afterAll(async () => {
  await database.pool.unsafe(`drop role ${MEMBER}`)
  await redis[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

function start(name: string, databaseUrl: string, settings: Record<string, string> = {}) {
  return Bun.spawn([process.execPath, join(import.meta.dir, "..", name, "main.ts")], {
    env: {
      PATH: process.env.PATH ?? "",
      NODE_ENV: "production",
      HOST: "127.0.0.1",
      PORT: "0",
      DRAIN_MS: "0",
      DATABASE_URL: databaseUrl,
      REDIS_HOST: redis.config.host,
      REDIS_PORT: String(redis.config.port),
      FIREBASE_PROJECT_ID: "clinic-project",
      PAYMENT_KEYS: `k1:${Buffer.alloc(32, 7).toString("base64")}`,
      ...settings,
    },
    stdio: ["ignore", "ignore", "pipe"],
  })
}

test.concurrent.each(PROCESSES)(
  "%s ends at once as a superuser or as whoever owns the tables, and says what to give instead",
  async (name) => {
    const asMember = Object.assign(new URL(database.ownerUrl), { username: MEMBER, password: "secret" }).href
    for (const [url, what] of [
      [database.ownerUrl, "is a superuser"],
      [asMember, "owns the tables"],
    ] as const) {
      const child = start(name, url)
      const timer = setTimeout(() => child.kill("SIGKILL"), END_MS)
      const [code, said] = await Promise.all([child.exited, new Response(child.stderr).text()])
      clearTimeout(timer)
      expect([name, what, code]).toEqual([name, what, 1])
      expect(said).toContain(
        `DATABASE_URL: its role ${new URL(url).username} ${what}; give the owner's as MIGRATE_DATABASE_URL and another role here`,
      )
    }
  },
  60_000,
)

test.concurrent.each(PROCESSES)(
  "%s starts with the same settings as the role that is made for it",
  async (name) => {
    const port = await freePort()
    const child = start(name, database.url, { PORT: String(port) })
    try {
      const ready = async () => (await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined))?.ok
      await until(`${name} is ready`, ready, END_MS)
    } finally {
      child.kill("SIGKILL")
      await child.exited
    }
  },
  60_000,
)
