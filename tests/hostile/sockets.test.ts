/** Malformed Engine.IO and Socket.IO, by websocket and by polling, through the public port and straight: nobody else notices. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { closeSync, openSync } from "node:fs"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { person, type TestApi } from "../harness/api.ts"
import { type Cast, castOf, visit } from "../harness/cast.ts"
import { scrape, valueIn } from "../harness/metrics.ts"
import { until } from "../harness/services.ts"
import { type Listener, listen, type TestSystem, testSystem } from "../harness/system.ts"
import { CutOff, Wire } from "../harness/wire.ts"
import { PACKETS, randomPacket } from "./packets.ts"

const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
/** Packets of chance, on each transport. */
const RANDOM_PACKETS = 2_000
const RANDOM_BATCH = 40
/** What a client of Engine.IO is closed after that never says its namespace is 15 s: only the last test waits for that. */
const SETTLE_MS = 300
/** A polling client that went without a word is missed after a ping and its timeout. */
const FORGOTTEN_MS = 60_000
/** Waves of clients that come, send packets of chance and go without a word. */
const WAVES = 4
const CLIENTS_A_WAVE = 250
const PACKETS_A_CLIENT = 10
/** Of the last two waves over the first two: the collector's pace, and no leak. A kilobyte kept of each packet would be 5 MB, of each client 0.5. */
const GROWTH_MAX_BYTES = 24 * 1024 * 1024

let folder: string
let logTo: number
let system: TestSystem
let cast: Cast
/** Clients that behave; all that is done to the server is done beside them. */
let bystanders: Listener[]
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulsecal-sockets-"))
  logTo = openSync(join(folder, "log"), "a")
  system = await testSystem({ logTo })
  const api: TestApi = { ...system, person: (uid = `uid-${Bun.randomUUIDv7()}`) => person(system.url, uid) }
  cast = await castOf(api)
  const { token } = cast.of("doctor")
  bystanders = await Promise.all(["websocket", "polling"].map((transport) => listen(system.url, token, { transports: [transport] })))
}, 60_000)
afterAll(async () => {
  for (const one of bystanders) await one[Symbol.asyncDispose]()
  await system[Symbol.asyncDispose]()
  closeSync(logTo)
  await rm(folder, { recursive: true })
})

/** The bystanders have never been cut, and hear of what happens now. */
async function unharmed(): Promise<void> {
  const appointmentId = await visit(cast)
  for (const { named, ready } of bystanders) {
    await until("the bystander hears", () => named("appointment:new").some((e) => e.appointmentId === appointmentId), 10_000)
    expect(ready.length).toBe(1)
  }
  const log = await readFile(join(folder, "log"), "utf8")
  expect(log.split("\n").filter((line) => /"level":"(?:error|fatal)"/.test(line) || (line !== "" && !line.startsWith("{")))).toEqual([])
}

const QUERY = "EIO=4&transport="
const port = () => Number(new URL(system.url).port)

type Raw = { send: (data: string | Uint8Array) => void; received: string[]; isOpen: () => boolean; close: () => void }

/** A websocket that speaks no protocol by itself; resolves when the server has opened its session. */
async function rawSocket(): Promise<Raw> {
  const ws = new WebSocket(`${system.url.replace("http", "ws")}/socket.io/?${QUERY}websocket`)
  ws.binaryType = "arraybuffer"
  const received: string[] = []
  ws.onmessage = ({ data }) => received.push(typeof data === "string" ? data : `binary ${data.byteLength}`)
  ws.onerror = () => {}
  await until("the session is open", () => received[0]?.startsWith("0{"), 10_000)
  return { send: (data) => ws.send(data), received, isOpen: () => ws.readyState === WebSocket.OPEN, close: () => ws.close() }
}

/** As above, and signed in to the namespace. */
async function signedIn(): Promise<Raw> {
  const raw = await rawSocket()
  raw.send(`40/notifications,${JSON.stringify({ token: cast.of("stranger").token })}`)
  await until("it is signed in", () => raw.received.some((packet) => packet.startsWith("40/notifications,")), 10_000)
  return raw
}

describe("by websocket", () => {
  test.each(PACKETS)("%s: harms nobody else", async (_, packets) => {
    for (const raw of [await rawSocket(), await signedIn()]) {
      for (const packet of packets) if (raw.isOpen()) raw.send(packet)
      await Bun.sleep(SETTLE_MS)
      for (const text of raw.received) expect(text).not.toMatch(/node_modules|\.ts:\d|TypeError|Postgres/)
      // Nothing but what the protocol says to one who is heard: opening, pings, sign-in, refusals, the place to resume, answers.
      for (const text of raw.received)
        expect(text).toMatch(/^(?:0\{|2$|3|40\/notifications,|44[/{]|42\/notifications,\["stream:ready"|43\/notifications,|6$|1$)/)
      raw.close()
    }
    await unharmed()
  })

  test(`${RANDOM_PACKETS} packets of chance harm nobody else`, async () => {
    console.log(`sockets: FUZZ_SEED=${SEED}`)
    const packets = fc.sample(randomPacket, { seed: SEED, numRuns: RANDOM_PACKETS })
    for (let at = 0; at < packets.length; at += RANDOM_BATCH) {
      const raw = at % (2 * RANDOM_BATCH) === 0 ? await signedIn() : await rawSocket()
      for (const packet of packets.slice(at, at + RANDOM_BATCH)) if (raw.isOpen()) raw.send(packet)
      raw.close()
    }
    await unharmed()
  }, 60_000)
})

describe("by polling", () => {
  const http = (method: string, query: string, body = "") =>
    Buffer.from(`${method} /socket.io/?${query} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)

  async function session(wire: Wire): Promise<string> {
    const { status, body } = await wire.ask(http("GET", `${QUERY}polling`))
    expect(status).toBe(200)
    return JSON.parse(body.toString().slice(1)).sid
  }

  test.each(PACKETS)("%s: harms nobody else", async (_, packets) => {
    const wire = await Wire.open(port())
    const sid = await session(wire)
    const texts = packets.map((packet) => (typeof packet === "string" ? packet : `b${Buffer.from(packet).toString("base64")}`))
    const together = texts.join("\x1e")
    const answer = await wire.ask(http("POST", `${QUERY}polling&sid=${sid}`, together)).catch((error: unknown) => {
      if (error instanceof CutOff) return undefined
      throw error
    })
    if (answer) expect([200, 400, 413]).toContain(answer.status)
    expect(answer?.body.toString() ?? "").not.toMatch(/node_modules|\.ts:\d|TypeError/)
    wire.close()
    await unharmed()
  })

  test("sessions that are not there, of others, twice at once or of another kind are refused", async () => {
    const wire = await Wire.open(port())
    const sid = await session(wire)
    const cases: [string, string][] = [
      ["GET", `${QUERY}polling&sid=nobody`],
      ["GET", `${QUERY}polling&sid=`],
      ["GET", `${QUERY}polling&sid=__proto__`],
      ["POST", `${QUERY}polling&sid=constructor`],
      ["POST", `${QUERY}polling`],
      ["GET", "EIO=4&transport=carrier-pigeon"],
      ["GET", "EIO=4&transport=__proto__"],
      ["GET", "EIO=4&transport=constructor"],
      ["GET", "EIO=4"],
      ["GET", "transport=polling"],
      ["GET", "EIO=9&transport=polling"],
      ["GET", `${QUERY}polling&sid=${sid}&sid=x`],
      ["PUT", `${QUERY}polling&sid=${sid}`],
      ["DELETE", `${QUERY}polling`],
      ["GET", `${QUERY}websocket`],
      ["GET", `${QUERY}websocket&sid=${sid}`],
      ["GET", "%"],
    ]
    for (const [method, query] of cases) {
      const other = await Wire.open(port())
      const answer = await Promise.race([other.ask(http(method, query)), Bun.sleep(SETTLE_MS)])
      if (answer) expect([query, answer.status >= 200 && answer.status < 500]).toEqual([query, true])
      expect(answer?.body.toString() ?? "").not.toMatch(/node_modules|\.ts:\d|TypeError/)
      other.close()
    }
    wire.close()
    await unharmed()
  })

  test("a poll is not read by who does not know its session, and one too large is cut", async () => {
    const [own, other] = [await Wire.open(port()), await Wire.open(port())]
    const sid = await session(own)
    const large = await own
      .ask(http("POST", `${QUERY}polling&sid=${sid}`, `42/notifications,["x","${"x".repeat(200_000)}"]`))
      .catch(() => undefined)
    if (large) expect([400, 413]).toContain(large.status)
    expect((await other.ask(http("GET", `${QUERY}polling&sid=${sid.slice(0, -1)}`))).status).toBe(400)
    for (const wire of [own, other]) wire.close()
    await unharmed()
  })
})

test("handshakes that are none of a websocket are refused", async () => {
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
  const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
  const headers = [
    upgrade,
    `${upgrade}${key}`,
    `${upgrade}Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n`,
    `${upgrade}${key}Sec-WebSocket-Version: 12\r\n`,
    `Connection: Upgrade\r\nUpgrade: h2c\r\n${key}Sec-WebSocket-Version: 13\r\n`,
    `Upgrade: websocket\r\n${key}Sec-WebSocket-Version: 13\r\n`,
    `${upgrade}${key}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ${"x,".repeat(500)}y\r\n`,
    `${upgrade}${key}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99\r\n`,
  ]
  for (const extra of headers) {
    const wire = await Wire.open(port())
    wire.write(`GET /socket.io/?${QUERY}websocket HTTP/1.1\r\nHost: x\r\n${extra}\r\n`)
    await Promise.race([wire.closed.promise, Bun.sleep(SETTLE_MS)])
    // After the handshake, frames that no client may send: unmasked, reserved, endless.
    for (const bytes of ["\x81\x01x", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x89\x7e\xff\xff"]) wire.write(bytes)
    await Promise.race([wire.closed.promise, Bun.sleep(SETTLE_MS)])
    expect(wire.received).not.toMatch(/^HTTP\/1\.1 5(?!03)\d\d/m)
    wire.close()
  }
  await unharmed()
})

const realtime = async (name: string) => valueIn(await scrape(system.metricsPorts.realtime), name) ?? Number.NaN

/** Half by websocket and half by polling, half signed in; none says good-bye. Resolves when the server has let go of all of them. */
async function wave(seed: number): Promise<number> {
  const packets = fc.sample(randomPacket, { seed, numRuns: CLIENTS_A_WAVE * PACKETS_A_CLIENT })
  const token = cast.of("stranger").token
  const own = (n: number) => packets.slice(n * PACKETS_A_CLIENT, (n + 1) * PACKETS_A_CLIENT)
  const client = async (n: number) => {
    if (n % 2 === 0) {
      const raw = n % 4 === 0 ? await rawSocket() : await signedIn()
      for (const packet of own(n)) if (raw.isOpen()) raw.send(packet)
      return raw.close()
    }
    const base = `${system.url}/socket.io/?${QUERY}polling`
    const { sid } = JSON.parse((await (await fetch(base)).text()).slice(1)) as { sid: string }
    const texts = own(n).map((packet) => (typeof packet === "string" ? packet : `b${Buffer.from(packet).toString("base64")}`))
    const opening = n % 4 === 1 ? [`40/notifications,${JSON.stringify({ token })}`] : []
    const answer = await fetch(`${base}&sid=${sid}`, { method: "POST", body: [...opening, ...texts].join("\x1e") })
    expect([200, 400]).toContain(answer.status)
    await answer.arrayBuffer()
  }
  await Promise.all(Array.from({ length: CLIENTS_A_WAVE }, (_, n) => client(n)))
  const isForgotten = async () => (await realtime("pulsecal_realtime_connections")) === bystanders.length
  await until("all of them are forgotten", isForgotten, FORGOTTEN_MS)
  expect(await realtime("pulsecal_realtime_sockets")).toBe(bystanders.length)
  return await realtime("process_memory_usage_bytes")
}

test(`of ${WAVES * CLIENTS_A_WAVE} hostile clients who vanish no connection, no socket and no memory is left`, async () => {
  const memory: number[] = []
  for (let n = 0; n < WAVES; n++) memory.push(await wave(SEED + 1 + n))
  console.log(`sockets: memory after each wave ${memory.map((bytes) => (bytes / 2 ** 20).toFixed(0)).join(" → ")} MB`)
  const [early, late] = [memory.slice(0, WAVES / 2), memory.slice(WAVES / 2)]
  expect(Math.min(...late) - Math.max(...early)).toBeLessThan(GROWTH_MAX_BYTES)
  await unharmed()
}, 300_000)
