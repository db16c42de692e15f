import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { until } from "../../tests/harness/services.ts"
import { findFreePort, isFree } from "./ports.ts"
import { Supervisor } from "./processes.ts"

let folder: string
const lines: string[] = []
const say = (line: string) => void lines.push(line)
const spec = (name: string, environment: Record<string, string> = {}) => ({
  name,
  command: [process.execPath, join(folder, `${name}.ts`)],
  environment,
})

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulsecal-supervisor-"))
  await writeFile(join(folder, "steady.ts"), `process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1000)`)
  await writeFile(join(folder, "hopeless.ts"), "process.exit(7)")
  await writeFile(join(folder, "deaf.ts"), `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)`)
  await writeFile(
    join(folder, "server.ts"),
    `Bun.serve({ hostname: "127.0.0.1", port: Number(process.env.PORT), fetch: () => new Response("ok", { status: Number(process.env.STATUS) }) })`,
  )
})
afterAll(() => rm(folder, { recursive: true }))

test("a process that ends unexpectedly is spoken of with its signal and started again", async () => {
  const supervisor = new Supervisor({ say })
  supervisor.start(spec("steady"))
  const [first] = supervisor.pids
  process.kill(first as number, "SIGKILL")
  await until("another runs", () => supervisor.pids[0] !== first)
  expect(lines.join("\n")).toContain("steady ended unexpectedly by signal")
  await supervisor.stop()
})

test("a process that ends five times within a minute is given up, with its code and without further starts", async () => {
  const supervisor = new Supervisor({ say, firstDelayMs: 5 })
  supervisor.start(spec("hopeless"))
  expect(await supervisor.failed).toBe("hopeless ended with code 7 for the 6th time within a minute: giving up")
  expect(lines.filter((line) => line.startsWith("hopeless ended unexpectedly with code 7"))).toHaveLength(5)
  await supervisor.stop()
})

test("a process that does not heed SIGTERM is killed after the bound, and that is said", async () => {
  const supervisor = new Supervisor({ say, killAfterMs: 300 })
  supervisor.start(spec("deaf"))
  await Bun.sleep(300)
  const [pid] = supervisor.pids
  await Promise.all([supervisor.stop(), supervisor.stop()])
  expect(lines.filter((line) => line.startsWith(`deaf (process ${pid}) has not ended`))).toHaveLength(1)
  expect(() => process.kill(pid as number, 0)).toThrow()
})

test("nothing is started again after a stop", async () => {
  const supervisor = new Supervisor({ say, firstDelayMs: 100 })
  supervisor.start(spec("hopeless"))
  await Bun.sleep(50)
  await supervisor.stop()
  const count = lines.length
  await Bun.sleep(300)
  expect(lines).toHaveLength(count)
})

test("readiness is when every process answers 200, and otherwise names the one that does not and why", async () => {
  const supervisor = new Supervisor({ say })
  const [good, bad] = [await findFreePort(), await findFreePort()]
  supervisor.start({ ...spec("server", { PORT: String(good), STATUS: "200" }), name: "good" })
  supervisor.start({ ...spec("server", { PORT: String(bad), STATUS: "503" }), name: "bad" })
  await supervisor.ready({ good: `http://127.0.0.1:${good}/` }, 5_000)
  const late = supervisor.ready({ good: `http://127.0.0.1:${good}/`, bad: `http://127.0.0.1:${bad}/` }, 500)
  await expect(late).rejects.toThrow(/^bad is not ready within 0.5 s .*503/)
  await late.catch(() => {})
  expect(await isFree(good, "127.0.0.1")).toBe(false)
  await supervisor.stop()
  expect(await isFree(good, "127.0.0.1")).toBe(true)
})
