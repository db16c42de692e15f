/** In production no process serves as a role that could undo the audit, nor with a superuser's login: each is started so, and ends. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { asAppRole } from "../core/migrations/run-role.ts"
import { migrateDatabase } from "../scripts/services/migration.ts"
import {
  freePort,
  type HostedDatabase,
  hostedDatabase,
  type TestDatabase,
  type TestRedis,
  testDatabase,
  testRedis,
  until,
} from "./harness/services.ts"

const PROCESSES = ["api", "worker", "realtime"]
const END_MS = 15_000
const ROOT = join(import.meta.dir, "..")

let database: TestDatabase
let hosted: HostedDatabase
let redis: TestRedis
beforeAll(async () => {
  ;[database, hosted, redis] = await Promise.all([testDatabase(), hostedDatabase(), testRedis()])
  await migrateDatabase(hosted.ownerUrl, asAppRole(hosted.ownerUrl), join(ROOT, "sql"))
}, 60_000)
afterAll(async () => {
  await redis[Symbol.asyncDispose]()
  await hosted[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

function start(name: string, databaseUrl: string, settings: Record<string, string> = {}) {
  return Bun.spawn([process.execPath, join(ROOT, name, "main.ts")], {
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

test.each(PROCESSES)(
  "%s ends at once as a superuser, as whoever owns the tables or with a superuser's login, and says what to give instead",
  async (name) => {
    for (const [url, what] of [
      [database.ownerUrl, "role postgres is a superuser"],
      [hosted.ownerUrl, `role ${hosted.owner} owns the tables`],
      [asAppRole(database.ownerUrl), "login postgres is a superuser"],
    ] as const) {
      const child = start(name, url)
      const timer = setTimeout(() => child.kill("SIGKILL"), END_MS)
      const [code, said] = await Promise.all([child.exited, new Response(child.stderr).text()])
      clearTimeout(timer)
      expect([name, what, code]).toEqual([name, what, 1])
      expect(said).toContain(`DATABASE_URL: its ${what}, and `)
      expect(said).toContain("set MIGRATE_DATABASE_URL to the owner's URL, and DATABASE_URL to that of another role, which migrating makes")
    }
  },
  60_000,
)

test.each(PROCESSES)(
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
