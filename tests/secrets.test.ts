import { afterAll, beforeAll, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { closeSync, existsSync, openSync } from "node:fs"
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { mintDevelopmentToken } from "../core/auth/development.ts"
import { findFreePort } from "../scripts/services/ports.ts"
import { doctorInput, person } from "./harness/api.ts"
import { CLEAN, ROOT } from "./harness/development.ts"
import { databaseText, redisText } from "./harness/leaks.ts"
import { markedProcesses } from "./harness/marked-processes.ts"
import { until } from "./harness/services.ts"
import { listen, type TestSystem, testSystem } from "./harness/system.ts"

const KEY = randomBytes(32).toString("base64")
const REDIS_PASSWORD = `redis-${randomBytes(12).toString("hex")}`
let folder: string
let logTo: number
let system: TestSystem
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulsecal-secrets-"))
  logTo = openSync(join(folder, "log"), "a")
  system = await testSystem({ logTo, settings: { LOG_LEVEL: "trace", PAYMENT_KEYS: `k1:${KEY}` }, redisPassword: REDIS_PASSWORD })
}, 30_000)
afterAll(async () => {
  await system[Symbol.asyncDispose]()
  closeSync(logTo)
  await rm(folder, { recursive: true })
})

/** The titles of all processes of this machine that may be looked at. */
async function titles(): Promise<string> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name))
  const texts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")))
  return texts.join("\n").replaceAll("\0", " ")
}

/** What Postgres says of itself: the tests' own server keeps it beside its files, somebody else's where we cannot look. */
async function postgresLog(): Promise<string | undefined> {
  const [row] = await system.database.pool<{ folder: string }[]>`select current_setting('data_directory') as folder`
  const file = join(row?.folder ?? "", "..", "postgres.log")
  return existsSync(file) ? await readFile(file, "utf8") : undefined
}

/** As given, and as it may stand in a URL or in base64. */
const writings = (secret: string) => [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64").replace(/=+$/, "")]
const found = (text: string, secrets: Record<string, string>) =>
  Object.keys(secrets).filter((name) => writings(secrets[name] as string).some((writing) => text.includes(writing)))

test("no password, key or token stands in a process's title, a log, an answer, a metric or a store, in success or failure", async () => {
  const said: string[] = []
  const doctor = person(system.url, `uid-${Bun.randomUUIDv7()}`)
  const patient = person(system.url, `uid-${Bun.randomUUIDv7()}`)
  const keep = async (answer: Promise<{ body: unknown; headers: Headers }>) => {
    const { body, headers } = await answer
    said.push(JSON.stringify([body, [...headers]]))
  }
  await keep(doctor.post("/doctors", doctorInput))
  await keep(patient.post("/patients", { name: "Pat" }))
  await keep(patient.get("/me"))
  await keep(patient.get(`/doctors/${patient.token.slice(0, 40)}`))
  const forged = `${mintDevelopmentToken({ projectId: "another", uid: "x", expiresInSeconds: 60 })}x`
  for (const authorization of [`Bearer ${forged}`, `Basic ${forged}`])
    said.push(await (await fetch(`${system.url}/api/v1/me`, { headers: { authorization } })).text())
  await using socket = await listen(system.url, doctor.token)
  said.push(JSON.stringify(socket.heard))
  // A bug, and a database that ends every session in the middle of things.
  await system.database.pool`alter table patients rename column phone to lost`
  said.push(await (await fetch(`${system.url}/api/v1/me`, { headers: { authorization: `Bearer ${patient.token}` } })).text())
  await system.database.pool`alter table patients rename column lost to phone`
  await system.database.pool`
    select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`.catch(() => {})
  await until("it is well again", async () => (await fetch(`${system.url}/health/ready`)).ok, 10_000)
  for (const port of Object.values(system.metricsPorts)) said.push(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())

  const password = new URL(system.database.url).password
  const secrets = { password, redisPassword: REDIS_PASSWORD, key: KEY, token: patient.token, doctorToken: doctor.token, forged }
  const places = {
    titles: await titles(),
    logs: await readFile(join(folder, "log"), "utf8"),
    answers: said.join("\n"),
    database: await databaseText(system.database),
    redis: await redisText(system.redis),
    postgresLog: (await postgresLog()) ?? 'ERROR:  column "phone" does not exist',
    redisLog: await readFile(join(system.redis.dir, "redis.log"), "utf8"),
  }
  // The search itself: it finds what is there, in places that are not empty.
  expect(found(`x ${encodeURIComponent(KEY)} ${password}`, secrets)).toEqual(["password", "key"])
  expect(places.titles).toContain("api/main.ts")
  expect(places.logs).toContain("a bug answered 500")
  expect(places.postgresLog.includes('ERROR:  column "phone" does not exist')).toBe(true)
  expect(places.redisLog).toContain("Ready to accept connections")
  for (const [place, text] of Object.entries(places)) expect({ place, found: found(text, secrets) }).toEqual({ place, found: [] })
}, 60_000)

/** Some tries of each program to be let in by Redis. */
const REFUSED_MS = 1_000
const atRedis = (password: string) => ({
  DATABASE_URL: system.database.url,
  REDIS_HOST: "127.0.0.1",
  REDIS_PORT: String(system.redis.config.port),
  REDIS_PASSWORD: password,
})

test("nor where the database, or Redis, is not there, or either refuses the password, in any program", async () => {
  await using marked = markedProcesses()
  const secret = `hunter2${randomBytes(8).toString("hex")}`
  const closed = await findFreePort()
  const refusing = new URL(system.database.ownerUrl)
  const urls = [`postgres://someone:${secret}@127.0.0.1:${closed}/db`, `postgres://nobody-here:${secret}@${refusing.host}/db`]
  const programs = [
    "api/main.ts",
    "worker/main.ts",
    "realtime/main.ts",
    "scripts/start.ts",
    "scripts/migrate.ts",
    "scripts/audit.ts verify",
    "scripts/rotate-keys.ts",
    "scripts/jobs.ts",
    "scripts/seed.ts",
  ]
  const started = urls.flatMap((url) =>
    programs.map((program) => {
      const env = {
        ...CLEAN,
        DATABASE_URL: url,
        MIGRATE_DATABASE_URL: url,
        REDIS_HOST: "127.0.0.1",
        REDIS_PASSWORD: secret,
        REDIS_PORT: String(closed),
      }
      return marked.start([process.execPath, ...program.split(" ")], {
        cwd: ROOT,
        env: { ...env, PAYMENT_KEYS: `k1:${KEY}`, PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "trace" },
      })
    }),
  )
  // With Postgres there, and a Redis that does not take this password.
  const refused = ["api/main.ts", "worker/main.ts", "realtime/main.ts", "scripts/jobs.ts"].map((program) =>
    marked.start([process.execPath, program], {
      cwd: ROOT,
      env: { ...CLEAN, ...atRedis(secret), PAYMENT_KEYS: `k1:${KEY}`, PORT: "0", HOST: "127.0.0.1", LOG_LEVEL: "trace" },
    }),
  )
  await until("each says what is wrong", () => started.every((s) => /does not answer|ECONNREFUSED/.test(s.output())), 30_000)
  await until("each has begun", () => refused.every((s) => /does not answer|listening/.test(s.output())), 30_000)
  await Bun.sleep(REFUSED_MS)
  const text = `${[...started, ...refused].map((s) => s.output()).join("\n")}\n${await titles()}`
  expect(text).toContain("worker/main.ts")
  expect(found(text, { secret, key: KEY })).toEqual([])
}, 60_000)
