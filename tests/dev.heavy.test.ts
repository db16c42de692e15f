import { expect, test } from "bun:test"
import { readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { isRunner } from "../core/launcher.ts"
import { CLEAN, DEV, development, ROOT } from "./harness/development.ts"
import { markedProcesses } from "./harness/marked-processes.ts"
import { until } from "./harness/services.ts"

type Appointments = { data: { id: string; status: string }[] }

async function paste(command: string): Promise<string> {
  const child = Bun.spawn(["sh", "-c", command], { cwd: ROOT, stdout: "pipe", stderr: "pipe" })
  return child.stdout.text()
}

async function appointmentsOf(url: string, token: string): Promise<Appointments> {
  const answer = await fetch(`${url}/api/v1/appointments?limit=100`, { headers: { authorization: `Bearer ${token}` } })
  expect(answer.status).toBe(200)
  return (await answer.json()) as Appointments
}

test("the printed commands work as pasted: a search, a booking, and the doctor's socket that hears of it", async () => {
  await using dev = await development()
  const running = await dev.start()
  const [search = "", book = "", listen = ""] = running.commands
  const found = JSON.parse(await paste(search)) as { data: { distanceKm: number }[] }
  expect(found.data[0]?.distanceKm).toBe(0)
  const socket = dev.marked.start(["sh", "-c", listen], { cwd: ROOT })
  await until("the socket listens", () => socket.output().includes("listening"), 10_000)
  const [slots, booked] = (await paste(book)).trim().split("\n")
  expect(JSON.parse(slots ?? "")).toHaveProperty("slots")
  const { id } = JSON.parse(booked ?? "") as { id: string }
  await until("the socket hears of the booking", () => /appointment:new[\s\S]*offset/.test(socket.output()) && socket.output().includes(id))
}, 90_000)

test("all tokens sign in, each in its role", async () => {
  await using dev = await development()
  const { tokens } = await dev.start()
  for (const [role, token] of Object.entries(tokens)) {
    const answer = await fetch(`${dev.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } })
    expect(((await answer.json()) as { role: string }).role).toBe(role.toUpperCase())
  }
}, 90_000)

test("other commands find what dev runs through the file it names, which nobody else may read", async () => {
  await using dev = await development()
  const running = await dev.start()
  const file = running.output().match(/--env-file=(\S+)/)?.[1] ?? ""
  expect((await stat(join(ROOT, file))).mode & 0o777).toBe(0o600)
  expect(await paste(`bun --env-file=${file} run jobs`)).toContain("verify-rollups")
  expect(await paste(`bun --env-file=${file} run audit verify`)).toMatch(/\d/)
}, 90_000)

test("SIGTERM to the group leaves no process, and the next start has all data and loads none again", async () => {
  await using dev = await development()
  const first = await dev.start()
  await paste(first.commands[1] ?? "")
  const before = await appointmentsOf(dev.url, first.tokens.patient)
  first.signalGroup("SIGTERM")
  expect(await first.exited).toEqual({ code: 0, signal: null })
  await dev.nothingLeft()
  const second = await dev.start()
  expect(second.output()).toContain("has doctors already")
  expect(await appointmentsOf(dev.url, second.tokens.patient)).toEqual(before)
  expect(before.data.length).toBeGreaterThan(0)
  second.signalGroup("SIGTERM")
  await dev.nothingLeft()
}, 120_000)

test("Ctrl-C, which reaches every process twice, leaves none", async () => {
  await using dev = await development()
  const running = await dev.start()
  running.signalGroup("SIGINT")
  running.signalGroup("SIGINT")
  expect((await running.exited).code).toBe(0)
  await dev.nothingLeft()
  expect(running.output().match(/^stopping: SIGINT$/gm)).toHaveLength(1)
}, 90_000)

test("Ctrl-C while it is still starting leaves no process", async () => {
  await using dev = await development()
  for (const waitMs of [100, 400, 900, 1_500]) {
    const started = dev.marked.start(DEV, { cwd: ROOT, env: { ...CLEAN, PORT: String(dev.port), DATA_DIR: dev.dataDir } })
    await Bun.sleep(waitMs)
    started.signalGroup("SIGINT")
    await started.exited
    await dev.nothingLeft()
  }
  await dev.start()
}, 120_000)

test("npx, a shell or a runner killed above it, at whatever level, leaves no process", async () => {
  await using dev = await development()
  const command = ["npx", "--no-install", "bun", "dev", "--doctors", "50"]
  const first = await dev.start(command)
  const runners = dev.marked.left().filter((p) => isRunner(p.command))
  expect(runners.length).toBeGreaterThanOrEqual(2)
  for (let level = 0; level < runners.length; level++) {
    if (level > 0) await dev.start(command)
    const victim = dev.marked.left().filter((p) => isRunner(p.command))[level]
    process.kill(victim?.pid ?? 0, "SIGKILL")
    await dev.nothingLeft()
  }
  expect(first.output()).toContain("the launcher is gone")
}, 180_000)

test("dev itself killed leaves no process, databases included, and the next start recovers", async () => {
  await using dev = await development()
  const first = await dev.start()
  await paste(first.commands[1] ?? "")
  const before = await appointmentsOf(dev.url, first.tokens.patient)
  process.kill(first.pid, "SIGKILL")
  await dev.nothingLeft()
  const second = await dev.start()
  expect(await appointmentsOf(dev.url, second.tokens.patient)).toEqual(before)
}, 120_000)

test("the whole group killed, and every keeper with it, is recovered by the next start at once", async () => {
  await using dev = await development()
  const first = await dev.start()
  await paste(first.commands[1] ?? "")
  const before = await appointmentsOf(dev.url, first.tokens.patient)
  for (const { pid } of dev.marked.left().filter((p) => p.command.includes("keeper"))) process.kill(pid, "SIGKILL")
  first.signalGroup("SIGKILL")
  await first.exited
  const second = await dev.start()
  expect(second.output()).toContain("of an earlier run is still there")
  expect(await appointmentsOf(dev.url, second.tokens.patient)).toEqual(before)
  second.signalGroup("SIGTERM")
  await dev.nothingLeft()
}, 120_000)

test("a process that is killed is started again, aloud, and serves again", async () => {
  await using dev = await development()
  const running = await dev.start()
  const api = dev.marked.left().find((p) => p.command.some((word) => word.endsWith("api/main.ts")))
  process.kill(api?.pid ?? 0, "SIGKILL")
  await until("it is said", () => running.output().includes("api ended unexpectedly by signal"))
  await until(
    "the API answers",
    () =>
      fetch(`${dev.url}/health`)
        .then((a) => a.ok)
        .catch(() => false),
    15_000,
  )
}, 90_000)

test("given DATABASE_URL and REDIS_HOST are used, and no server is started", async () => {
  await using owner = await development()
  await owner.start()
  const { databaseUrl, redisPort } = await addressesOf(owner.dataDir)
  await using guest = await development()
  const env = { DATABASE_URL: databaseUrl, REDIS_HOST: "127.0.0.1", REDIS_PORT: String(redisPort) }
  const running = await guest.start([process.execPath, "scripts/dev.ts", "--doctors", "20"], env)
  expect(running.output()).toContain("creating the database guest")
  expect(guest.marked.left().filter((p) => /postgres|redis|valkey/.test(p.command[0] ?? ""))).toEqual([])
  running.signalGroup("SIGTERM")
  await guest.nothingLeft()
}, 120_000)

async function addressesOf(dataDir: string): Promise<{ databaseUrl: string; redisPort: number }> {
  const password = (await readFile(join(dataDir, "postgres", "pulsecal-password"), "utf8")).trim()
  const port = (await readFile(join(dataDir, "postgres", "postmaster.pid"), "utf8")).split("\n")[3]
  const redisPort = Number(/port=(\d+)/.exec(await readFile(join(dataDir, "redis.log"), "utf8"))?.[1])
  return { databaseUrl: `postgres://postgres:${password}@127.0.0.1:${port}/guest`, redisPort }
}

test("--empty has no doctors, and the printed commands make the first ones", async () => {
  await using dev = await development()
  const { commands } = await dev.start([process.execPath, "scripts/dev.ts", "--empty"])
  expect(JSON.parse(await paste(commands[0] ?? ""))).toHaveProperty("clinicVerificationCode")
  expect(JSON.parse(await paste(commands[1] ?? ""))).toHaveProperty("id")
  const found = JSON.parse(await paste(commands[2] ?? "")) as { data: unknown[] }
  expect(found.data).toHaveLength(1)
}, 90_000)

test("with an Auth emulator configured no unsigned token is offered or accepted", async () => {
  await using dev = await development()
  const emulator = { FIREBASE_AUTH_EMULATOR_HOST: "127.0.0.1:9" }
  const running = await dev.start(DEV, emulator)
  expect(running.output()).toContain("sign in through the Auth emulator at 127.0.0.1:9")
  expect(running.tokens).toEqual({ patient: "", doctor: "", receptionist: "" })
}, 90_000)

test("wrong arguments, a taken port, and a folder in use end it with one clear sentence and exit code 1", async () => {
  await using dev = await development()
  await dev.start()
  await using marked = markedProcesses()
  const free = { PORT: "0", DATA_DIR: join(dev.dataDir, "other") }
  for (const [args, env, sentence] of [
    [["--doctors", "many"], free, '--doctors takes a whole number from 1 to 1000000, not "many"'],
    [["--doctors", "1000001"], free, "--doctors takes a whole number"],
    [["--doctors"], free, "--doctors"],
    [["--doctor", "5"], free, "--doctor"],
    [["five"], free, "five"],
    [["--empty", "--doctors", "5"], free, "exclude each other"],
    [[], { PORT: String(dev.port) }, `port ${dev.port} on 0.0.0.0 cannot be listened on`],
    [[], { PORT: "0", DATA_DIR: dev.dataDir }, `${dev.dataDir} is in use by process`],
    [[], { ...free, PORT: "http" }, "PORT"],
  ] as const) {
    const started = marked.start([process.execPath, "scripts/dev.ts", ...args], { cwd: ROOT, env: { ...CLEAN, ...env } })
    expect((await started.exited).code).toBe(1)
    expect(started.output()).toContain(sentence)
    expect(started.output().trim().split("\n")).toHaveLength(1)
    expect(marked.left()).toEqual([])
  }
}, 90_000)
