import { afterAll, beforeAll, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { cp, mkdtemp, rm, symlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { io } from "socket.io-client"
import { mintDevelopmentToken } from "../core/auth/development.ts"
import { isRunner } from "../core/launcher.ts"
import { findFreePort } from "../scripts/services/ports.ts"
import { CLEAN, ROOT } from "./harness/development.ts"
import { type Marked, markedProcesses, type Started } from "./harness/marked-processes.ts"
import { hostedDatabase, type TestDatabase, type TestRedis, testDatabase, testRedis, until } from "./harness/services.ts"

/** A copy as `git clone` and `npm install` leave it: no dist, and no Bun but the one in node_modules. */
let copy: string
let database: TestDatabase
let redis: TestRedis

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), "pulsecal-start-test-"))
  for (const name of ["core", "api", "worker", "realtime", "scripts", "sql", "package.json", "bun.lock", "tsconfig.json"])
    await cp(join(ROOT, name), join(copy, name), { recursive: true })
  await symlink(join(ROOT, "node_modules"), join(copy, "node_modules"))
  database = await testDatabase()
  redis = await testRedis()
})
afterAll(async () => {
  await redis[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
  await rm(copy, { recursive: true })
})

const withoutBun = (process.env.PATH ?? "")
  .split(":")
  .filter((folder) => Bun.which("bun", { PATH: folder }) === null)
  .join(":")

function npm(marked: Marked, script: string, env: Record<string, string> = {}): Started {
  const settings = {
    ...CLEAN,
    PATH: withoutBun,
    DATABASE_URL: database.url,
    MIGRATE_DATABASE_URL: database.ownerUrl,
    REDIS_HOST: "127.0.0.1",
    REDIS_PORT: String(redis.config.port),
  }
  return marked.start(["npm", "run", "--silent", script], { cwd: copy, env: { ...settings, ...env } })
}

const status = (url: string, headers: Record<string, string> = {}) =>
  fetch(url, { headers }).then(
    (answer) => answer.status,
    () => 0,
  )

async function ready(started: Started, port: number): Promise<void> {
  await until(`ready:\n${started.output()}`, async () => (await status(`http://127.0.0.1:${port}/health/ready`)) === 200, 30_000)
}

/** Which of the built files run, each in a process of its own; npm's shells have their names in one word with `bun`. */
const builtFile = (command: string[]) => command.map((word) => /^(?:\S*\/)?dist\/(\w+)\.js$/.exec(word)?.[1]).find(Boolean)
const programs = (marked: Marked) =>
  marked
    .left()
    .flatMap((p) => builtFile(p.command) ?? [])
    .sort()

async function nothingLeft(marked: Marked): Promise<void> {
  await until("nothing is left", () => marked.left().length === 0, 20_000)
}

test("after a build, start runs all three behind one port, for REST and sockets, and SIGTERM leaves none", async () => {
  await using marked = markedProcesses()
  const built = npm(marked, "build")
  expect((await built.exited).code).toBe(0)
  const port = await findFreePort()
  const started = npm(marked, "start", { PORT: String(port), AUTH_DEV_TOKENS: "1" })
  await ready(started, port)
  expect(programs(marked)).toEqual(["api", "realtime", "start", "worker"])
  const token = mintDevelopmentToken({ projectId: "demo-pulsecal", uid: "somebody", expiresInSeconds: 60 })
  expect(await status(`http://127.0.0.1:${port}/api/v1/me`, { authorization: `Bearer ${token}` })).toBe(200)
  for (const transport of ["websocket", "polling"]) {
    // The realtime process may be up a moment after the API; until then the client tries again, as any does.
    const socket = io(`http://127.0.0.1:${port}/notifications`, {
      auth: { token: "forged" },
      transports: [transport],
      reconnectionDelay: 100,
    })
    const answers: string[] = []
    socket.on("connect_error", (error) => answers.push(error.message))
    await until("it is refused", () => answers.includes("unauthorized"))
    socket.close()
  }
  started.signalGroup("SIGTERM")
  await nothingLeft(marked)
}, 90_000)

const production = () => ({ FIREBASE_PROJECT_ID: "demo-pulsecal", PAYMENT_KEYS: `k1:${randomBytes(32).toString("base64")}` })

test("start:prod runs in production, with nothing but the owner's URL too: an unsigned token is refused, nobody acts as the owner", async () => {
  await using hosted = await hostedDatabase()
  await using marked = markedProcesses()
  const port = await findFreePort()
  const settings = { PORT: String(port), DATABASE_URL: hosted.ownerUrl, MIGRATE_DATABASE_URL: "", ...production() }
  const started = npm(marked, "start:prod", settings)
  await ready(started, port)
  const token = mintDevelopmentToken({ projectId: "demo-pulsecal", uid: "somebody", expiresInSeconds: 60 })
  expect(await status(`http://127.0.0.1:${port}/api/v1/me`, { authorization: `Bearer ${token}` })).toBe(401)
  const warnings = () => started.output().split(`its login ${hosted.owner} owns the tables`).length - 1
  await until("each of the three has said what its login is", () => warnings() >= 3, 30_000)
  for (const line of ["its role", "starting it again"]) expect(started.output()).not.toContain(line)
  started.signalGroup("SIGINT")
  started.signalGroup("SIGINT")
  await nothingLeft(marked)
}, 90_000)

test("start:prod with nothing but a superuser's URL migrates nothing and starts nothing, and the setting is named", async () => {
  await using hosted = await hostedDatabase()
  await using marked = markedProcesses()
  const url = Object.assign(new URL(database.ownerUrl), { pathname: new URL(hosted.ownerUrl).pathname }).href
  const started = npm(marked, "start:prod", { DATABASE_URL: url, MIGRATE_DATABASE_URL: "", PORT: "0", ...production() })
  expect((await started.exited).code).toBe(1)
  expect(started.output()).toContain("DATABASE_URL: its login postgres is a superuser")
  // None of the three was there to end and be started again.
  expect(started.output()).not.toContain("starting it again")
  expect(await hosted.pool`select to_regclass('migrations') as found`).toMatchObject([{ found: null }])
  expect(marked.left()).toEqual([])
}, 60_000)

test("start:api, start:worker and start:realtime run one process each, and npm killed leaves none", async () => {
  for (const name of ["api", "worker", "realtime"]) {
    await using marked = markedProcesses()
    const port = await findFreePort()
    await ready(npm(marked, `start:${name}`, { PORT: String(port) }), port)
    expect(programs(marked)).toEqual([name])
    const runner = marked.left().find((p) => isRunner(p.command))
    process.kill(runner?.pid ?? 0, "SIGKILL")
    await nothingLeft(marked)
  }
}, 90_000)

test("start killed, or the npm above it, leaves none of the three", async () => {
  await using marked = markedProcesses()
  for (const victim of ["start", "npm"]) {
    const port = await findFreePort()
    await ready(npm(marked, "start", { PORT: String(port) }), port)
    const found = marked.left().find((p) => (victim === "npm" ? isRunner(p.command) : builtFile(p.command) === "start"))
    process.kill(found?.pid ?? 0, "SIGKILL")
    await nothingLeft(marked)
  }
}, 90_000)

test("in production with either development variable no process starts, and the variable is named", async () => {
  await using marked = markedProcesses()
  const programsToTry = ["scripts/dev.ts", "scripts/start.ts", "api/main.ts", "worker/main.ts", "realtime/main.ts"]
  const given = { DATABASE_URL: database.url, REDIS_HOST: "127.0.0.1", REDIS_PORT: String(redis.config.port), PORT: "0" }
  for (const [name, value] of [
    ["AUTH_DEV_TOKENS", "1"],
    ["FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9099"],
  ] as const)
    for (const program of programsToTry) {
      const env = { ...CLEAN, ...given, NODE_ENV: "production", FIREBASE_PROJECT_ID: "p", DATA_DIR: join(copy, ".data"), [name]: value }
      const started = marked.start([process.execPath, program], { cwd: ROOT, env })
      expect({ program, ...(await started.exited) }).toEqual({ program, code: 1, signal: null })
      expect(started.output()).toContain(name)
      expect(marked.left()).toEqual([])
    }
}, 90_000)

test("in production no process runs as the owner of the tables, and the setting is named", async () => {
  await using marked = markedProcesses()
  const given = { DATABASE_URL: database.ownerUrl, REDIS_HOST: "127.0.0.1", REDIS_PORT: String(redis.config.port), PORT: "0" }
  const settings = { ...CLEAN, ...given, NODE_ENV: "production", ...production() }
  for (const name of ["api", "worker", "realtime"]) {
    const started = marked.start([process.execPath, `${name}/main.ts`], { cwd: ROOT, env: settings })
    expect({ name, ...(await started.exited) }).toEqual({ name, code: 1, signal: null })
    expect(started.output()).toContain("DATABASE_URL: its role")
    expect(started.output()).not.toContain("    at ")
  }
}, 90_000)

test("start without its settings names every one that is missing, and starts nothing", async () => {
  await using marked = markedProcesses()
  const started = npm(marked, "start", { DATABASE_URL: "", REDIS_HOST: "" })
  expect((await started.exited).code).toBe(1)
  expect(started.output()).toContain("DATABASE_URL")
  expect(started.output()).toContain("REDIS_HOST")
  expect(marked.left()).toEqual([])
}, 60_000)
