/** A client that connects, subscribes and never reads again, beside one that does. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect, type Socket } from "node:net"
import { announce } from "../core/events/log.ts"
import { scrape, valueIn } from "./harness/metrics.ts"
import { type OneProcess, startProcess } from "./harness/one-process.ts"
import { listening, offsetsOf, type TestStage, testStage, tokenOf } from "./harness/realtime.ts"
import { until } from "./harness/services.ts"

/** Of 2 KB each: some 30 MB, more than the system's own buffers on the way take. */
const EVENTS = 16_000
const EVENTS_A_BATCH = 500
const REASON = "x".repeat(2_000)
/** What may wait for one slow client is 1 MB; the rest is the work of sending 30 MB to the other. */
const GROWTH_MAX_BYTES = 200 * 1024 * 1024
const LONG_MS = 30_000

let stage: TestStage
let server: OneProcess

beforeAll(async () => {
  stage = await testStage()
  server = await startProcess("realtime", stage.settings)
}, 30_000)
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await stage[Symbol.asyncDispose]()
})

/** A text frame of a client, masked with zeros (RFC 6455, section 5.2). */
function frame(text: string): Buffer {
  const payload = Buffer.from(text)
  const head = Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 0xff, 0, 0, 0, 0])
  return Buffer.concat([head, payload])
}

/** Speaks just enough of the protocol to be let in, then stands still. `heard` are the offsets of what it has read once it reads on. */
async function standstill(token: string): Promise<{ socket: Socket; heard: () => number[] }> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  socket.on("error", () => {})
  let received = ""
  socket.on("data", (bytes) => {
    received += bytes.toString("latin1")
  })
  const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
  socket.write(`GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${hostname}\r\n${upgrade}\r\n\r\n`)
  await until("it is connected", () => received.includes('0{"sid"'))
  socket.write(frame(`40/notifications,${JSON.stringify({ token })}`))
  await until("it is ready", () => received.includes("stream:ready"))
  socket.pause()
  return { socket, heard: () => [...received.matchAll(/"offset":(\d+),"occurredAt"/g)].map((match) => Number(match[1])) }
}

const read = async (name: string) => valueIn(await scrape(server.metricsPort), name) ?? Number.NaN

/** Announces so many large events for the doctor, and publishes them. */
async function tell({ doctorId, clinicId }: { doctorId: string; clinicId: string }, count: number): Promise<void> {
  const events = Array.from({ length: count }, () => ({
    name: "appointment:new" as const,
    data: { appointmentId: Bun.randomUUIDv7(), patientName: "Pat", scheduledAt: "2030-01-01T10:00:00Z", reason: REASON },
    about: { doctorId, clinicId },
  }))
  await announce(stage.pool, ...events)
  await stage.publisher.sweep()
}

test("a client that does not read is cut at its bound, and costs neither memory nor anybody else an event", async () => {
  const doctor = await stage.doctor()
  const healthy = await listening(server.url, { uid: doctor.uid })
  const { socket: stuck } = await standstill(tokenOf(doctor.uid))
  expect(await read("pulsecal_realtime_sockets")).toBe(2)
  const before = await read("process_memory_usage_bytes")
  let peak = before
  for (let n = 0; n < EVENTS; n += EVENTS_A_BATCH) {
    await tell(doctor, EVENTS_A_BATCH)
    peak = Math.max(peak, await read("process_memory_usage_bytes"))
  }
  await until("the other has heard all", () => healthy.heard.length === EVENTS, LONG_MS)
  await until("the slow one is cut", async () => (await read("pulsecal_realtime_sockets")) === 1, LONG_MS)
  const offsets = offsetsOf(healthy)
  expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
  expect(healthy.disconnects).toEqual([])
  console.log(`memory ${(before / 2 ** 20).toFixed(0)} MB, at its highest ${(peak / 2 ** 20).toFixed(0)} MB`)
  expect(peak - before).toBeLessThan(GROWTH_MAX_BYTES)
  stuck.destroy()
  healthy.socket.disconnect()
}, 120_000)

test("what a client that is cut has been told until then has no hole", async () => {
  const doctor = await stage.doctor()
  const before = await read("pulsecal_realtime_sockets")
  const { socket, heard } = await standstill(tokenOf(doctor.uid))
  const closed = new Promise((resolve) => socket.once("close", resolve))
  const isCut = async () => (await read("pulsecal_realtime_sockets")) === before
  for (let n = 0; !(await isCut()) && n < EVENTS; n += EVENTS_A_BATCH) await tell(doctor, EVENTS_A_BATCH)
  socket.resume()
  await closed
  const [first = 0, ...rest] = heard()
  expect(rest.length).toBeGreaterThan(EVENTS_A_BATCH)
  expect([first, ...rest]).toEqual(Array.from({ length: rest.length + 1 }, (_, n) => first + n))
}, 120_000)
