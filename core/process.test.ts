import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Marked, markedProcesses, type Started } from "../tests/harness/marked-processes.ts"
import { until } from "../tests/harness/services.ts"
import { findProcess, isRunner } from "./launcher.ts"

let folder: string

/** Says what happens to it. Its stop takes `stopMs`. */
const child = (stopMs: number, timeoutMs: number) => `
import { handleSignals } from ${JSON.stringify(join(import.meta.dir, "process.ts"))}
const say = (line) => process.stdout.write(line + "\\n")
let stops = 0
handleSignals({
  log: { info: say, error: (_, line) => say(line) },
  stop: async () => { say("stop call " + ++stops); await Bun.sleep(${stopMs}); say("work finished") },
  timeoutMs: ${timeoutMs},
})
setInterval(() => {}, 1000)
say("running " + process.pid)`

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulsecal-process-"))
  await writeFile(join(folder, "quick.ts"), child(100, 5_000))
  await writeFile(join(folder, "stuck.ts"), child(60_000, 300))
  await writeFile(join(folder, "package.json"), JSON.stringify({ scripts: { serve: `'${process.execPath}' quick.ts` } }))
  await writeFile(
    join(folder, "supervisor.ts"),
    `Bun.spawn([process.execPath, "quick.ts"], { cwd: import.meta.dir, ipc() {}, stdio: ["ignore", "inherit", "inherit"] }); setInterval(() => {}, 1000)`,
  )
})
afterAll(() => rm(folder, { recursive: true }))

async function running(marked: Marked, command: string[]): Promise<Started & { childPid: number }> {
  const started = marked.start(command, { cwd: folder })
  const line = await until("the child runs", () => /running (\d+)/.exec(started.output()))
  return { ...started, childPid: Number(line[1]) }
}

test("SIGINT twice and SIGTERM stop a process once, gracefully, with exit code 0", async () => {
  await using marked = markedProcesses()
  const started = await running(marked, [process.execPath, "quick.ts"])
  for (const signal of ["SIGINT", "SIGINT", "SIGTERM"] as const) {
    started.signalGroup(signal)
    await Bun.sleep(10)
  }
  expect(await started.exited).toEqual({ code: 0, signal: null })
  expect(started.output().match(/stop call/g)).toHaveLength(1)
  expect(started.output()).toContain("work finished")
})

test("a process that does not stop within its bound says so and ends with exit code 1", async () => {
  await using marked = markedProcesses()
  const started = await running(marked, [process.execPath, "stuck.ts"])
  started.signalGroup("SIGTERM")
  expect(await started.exited).toEqual({ code: 1, signal: null })
  expect(started.output()).toContain("not stopped within 300 ms")
})

test("a process whose supervisor is killed stops gracefully", async () => {
  await using marked = markedProcesses()
  const started = await running(marked, [process.execPath, "supervisor.ts"])
  process.kill(started.pid, "SIGKILL")
  await until("nothing is left", () => marked.left().length === 0)
  expect(started.output()).toContain("the supervisor is gone")
  await until("its last words", () => started.output().includes("work finished"))
})

test("a process whose package runner is killed, at whatever distance above it, stops gracefully", async () => {
  await using marked = markedProcesses()
  const runner = `'${process.execPath}' run --silent serve`
  const started = await running(marked, ["sh", "-c", `'${process.execPath}' -e 'console.log(1)'; ${runner}; exit 0`])
  const top = marked.left().find((p) => isRunner(p.command))
  expect(top).toBeDefined()
  expect(findProcess(started.childPid)?.parent).toBeGreaterThan(1)
  process.kill(top?.pid ?? 0, "SIGKILL")
  await until("nothing is left", () => marked.left().length === 0)
  await until("its last words", () => started.output().includes("work finished"))
  expect(started.output()).toContain("the launcher is gone")
})

test("a process outlives the shell that started it in the background: only package runners mean us", async () => {
  await using marked = markedProcesses()
  const started = marked.start(["sh", "-c", `'${process.execPath}' quick.ts & sleep 0.5`], { cwd: folder })
  await started.exited
  await Bun.sleep(700)
  expect(marked.left()).toHaveLength(1)
  expect(started.output()).not.toContain("stopping")
})

test("package runners are told from shells, servers and tests by their command lines", () => {
  for (const command of [
    ["npm exec bun@1.4.5 dev"],
    ["npm start"],
    ["node", "/usr/lib/node_modules/npm/bin/npx-cli.js", "bun", "dev"],
    ["bun", "dev"],
    ["/home/me/node_modules/bun/bin/bun.exe", "run", "dev"],
    ["pnpm", "dev"],
  ])
    expect(isRunner(command)).toBe(true)
  for (const command of [
    ["bash"],
    ["sh", "-c", "npx bun dev"],
    ["bun", "scripts/dev.ts"],
    ["bun", "test", "tests/dev.test"],
    ["node", "server.js"],
    ["sshd: me@pts/0"],
    ["systemd", "--user"],
    [],
  ])
    expect(isRunner(command)).toBe(false)
})
