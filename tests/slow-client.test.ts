/** Clients that connect, subscribe and never read again, beside one that does. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect, type Socket } from "node:net"
import { announce } from "../core/events/log.ts"
import { figure } from "../scripts/testing/figures.ts"
import { scrape, valueIn } from "./harness/metrics.ts"
import { type OneProcess, startProcess } from "./harness/one-process.ts"
import { appointmentNew, type Listening, listening, offsetsOf, type TestStage, testStage, tokenOf } from "./harness/realtime.ts"
import { until } from "./harness/services.ts"

/** Of 2 KB each: some 20 MB, more than the system's own buffers on the way take. */
const EVENTS = 10_000
const EVENTS_A_BATCH = 500
const REASON = "x".repeat(2_000)
const STANDSTILLS = 20
/** What may wait for each is 1 MB, the rest is the work of sending 20 MB to the other; without a bound 400 MB would wait. */
const GROWTH_MAX_BYTES = 200 * 1024 * 1024
/** A round takes at most so many times as long beside them as without: until they are cut, they are sent to like all others. */
const ROUND_TIMES_MAX = 4
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
  await announce(stage.pool, ...Array.from({ length: count }, () => appointmentNew({ doctorId, clinicId, reason: REASON })))
  await stage.publisher.sweep()
}

const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0)

/** Announces all events, batch by batch as soon as `healthy` has heard the last one. How long that took, and the most memory meanwhile. */
async function round(who: { doctorId: string; clinicId: string }, healthy: Listening) {
  const [started, heard] = [performance.now(), healthy.heard.length]
  let peak = 0
  for (let n = EVENTS_A_BATCH; n <= EVENTS; n += EVENTS_A_BATCH) {
    await tell(who, EVENTS_A_BATCH)
    await until("the healthy one has heard them", () => healthy.heard.length === heard + n, LONG_MS)
    peak = Math.max(peak, await read("process_memory_usage_bytes"))
  }
  return { seconds: (performance.now() - started) / 1000, peak }
}

test("clients that do not read are cut at their bound, and cost neither memory nor anybody else an event or their time", async () => {
  const doctor = await stage.doctor()
  const healthy = await listening(server.url, { uid: doctor.uid })
  const alone = await round(doctor, healthy)
  const stuck = await Promise.all(Array.from({ length: STANDSTILLS }, () => standstill(tokenOf(doctor.uid))))
  expect(await read("pulsecal_realtime_sockets")).toBe(1 + STANDSTILLS)
  const before = await read("process_memory_usage_bytes")
  const beside = await round(doctor, healthy)
  expect(beside.peak - before).toBeLessThan(GROWTH_MAX_BYTES)
  await until("the slow ones are cut", async () => (await read("pulsecal_realtime_sockets")) === 1, LONG_MS)
  const offsets = offsetsOf(healthy)
  expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
  expect(healthy.disconnects).toEqual([])
  figure(
    `${STANDSTILLS} clients that never read, beside one that hears ${EVENTS} events of 2 KB: cut; memory ${megabytes(before)} → ` +
      `${megabytes(beside.peak)} MB; the other hears all, in ${beside.seconds.toFixed(1)} s (${alone.seconds.toFixed(1)} s without them)`,
  )
  expect(beside.seconds).toBeLessThan(ROUND_TIMES_MAX * alone.seconds)
  for (const { socket } of stuck) socket.destroy()
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
