import { expect, test } from "bun:test"
import { closeSync, openSync } from "node:fs"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { person } from "./harness/api.ts"
import { scrape, valueIn } from "./harness/metrics.ts"
import { until } from "./harness/services.ts"
import { listen, testSystem } from "./harness/system.ts"

type Line = { msg: string; level: string; process: string; method: string; route: string; status: number; ms: number }

test("a forwarded request is logged and counted like any other: by template and status, and nothing of its session", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pulsecal-forwarded-"))
  const logTo = openSync(join(folder, "log"), "a")
  await using system = await testSystem({ logTo, settings: { LOG_LEVEL: "debug" } })
  const text = () => readFile(join(folder, "log"), "utf8")
  const { token, post } = person(system.url, "zelda")
  await post("/patients", { name: "Zelda" })
  const websocket = await listen(system.url, token)
  const polling = await listen(system.url, token, { transports: ["polling"] })
  const sids = [websocket, polling].map(({ socket }) => socket.io.engine.id as string)
  for (const listener of [websocket, polling]) await listener[Symbol.asyncDispose]()
  await system.kill("realtime")
  expect((await fetch(`${system.url}/socket.io/?EIO=4&transport=polling&token=${token}`)).status).toBe(503)

  const labels = (method: string, status: number) => ({
    http_request_method: method,
    http_route: "/socket.io/",
    http_response_status_code: String(status),
  })
  const counted = async (method: string, status: number) =>
    valueIn(await scrape(system.metricsPorts.api), "http_server_request_duration_seconds_count", labels(method, status)) ?? 0
  for (const [method, status] of [
    ["GET", 101],
    ["GET", 200],
    ["POST", 200],
    ["GET", 503],
  ] as const)
    expect([method, status, (await counted(method, status)) > 0]).toEqual([method, status, true])

  const forwarded = async () => {
    // What follows the last line's end is still being written.
    const lines = (await text()).split("\n").slice(0, -1)
    return lines.map((line): Line => JSON.parse(line)).filter(({ msg, route }) => msg === "request" && route === "/socket.io/")
  }
  const logged = async () => new Set((await forwarded()).map(({ method, status }) => `${method} ${status}`))
  const ends = ["GET 101", "GET 200", "POST 200", "GET 503"]
  await until(`${ends} are logged`, async () => new Set(ends).isSubsetOf(await logged()))
  for (const line of await forwarded()) expect(line).toMatchObject({ process: "api", level: "debug", ms: expect.any(Number) })
  for (const secret of [...sids, token.slice(0, 40), "EIO", "sid="])
    expect([secret, (await text()).includes(secret)]).toEqual([secret, false])
  closeSync(logTo)
  await rm(folder, { recursive: true })
}, 40_000)
