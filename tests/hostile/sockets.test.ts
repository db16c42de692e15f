/** Malformed Engine.IO and Socket.IO, by websocket and by polling, through the public port and straight: nobody else notices. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import fc from "fast-check"
import { until } from "../harness/services.ts"
import { CutOff, Wire, type WireAnswer } from "../harness/wire.ts"
import { PACKETS, randomPacket } from "./packets.ts"
import { DOORS, type Door, type SocketWorld, socketWorld } from "./socket-world.ts"
import { ANSWER_MAX_MS } from "./verdict.ts"

const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
/** Packets of chance, at each door. */
const RANDOM_PACKETS = 2_000
const RANDOM_BATCH = 40
/** What a client of Engine.IO is closed after that never says its namespace is 15 s: nobody here waits for that. */
const SETTLE_MS = 300

let world: SocketWorld
beforeAll(async () => {
  world = await socketWorld()
}, 60_000)
afterAll(() => world[Symbol.asyncDispose]())

const QUERY = "EIO=4&transport="

type Raw = { send: (data: string | Uint8Array) => void; received: string[]; isOpen: () => boolean; close: () => void }

/** A websocket that speaks no protocol by itself; resolves when the server has opened its session. */
async function rawSocket(door: Door): Promise<Raw> {
  const ws = new WebSocket(`ws://127.0.0.1:${world.portOf(door)}/socket.io/?${QUERY}websocket`)
  ws.binaryType = "arraybuffer"
  const received: string[] = []
  ws.onmessage = ({ data }) => received.push(typeof data === "string" ? data : `binary ${data.byteLength}`)
  ws.onerror = () => {}
  await until("the session is open", () => received[0]?.startsWith("0{"), 10_000)
  return { send: (data) => ws.send(data), received, isOpen: () => ws.readyState === WebSocket.OPEN, close: () => ws.close() }
}

/** As above, and signed in to the namespace. */
async function signedIn(door: Door): Promise<Raw> {
  const raw = await rawSocket(door)
  raw.send(`40/notifications,${JSON.stringify({ token: world.cast.of("stranger").token })}`)
  await until("it is signed in", () => raw.received.some((packet) => packet.startsWith("40/notifications,")), 10_000)
  return raw
}

describe("by websocket", () => {
  async function send(raw: Raw, packets: (string | Uint8Array)[]): Promise<void> {
    for (const packet of packets) if (raw.isOpen()) raw.send(packet)
    await Bun.sleep(SETTLE_MS)
    for (const text of raw.received) expect(text).not.toMatch(/node_modules|\.ts:\d|TypeError|Postgres/)
    // Nothing but what the protocol says to one who is heard: opening, pings, sign-in, refusals, the place to resume, answers.
    for (const text of raw.received)
      expect(text).toMatch(/^(?:0\{|2$|3|40\/notifications,|44[/{]|42\/notifications,\["stream:ready"|43\/notifications,|6$|1$)/)
    raw.close()
  }

  test.each(PACKETS)("%s: harms nobody else", async (_, packets) => {
    const clients = DOORS.flatMap((door) => [rawSocket(door), signedIn(door)])
    await Promise.all(clients.map(async (client) => send(await client, packets)))
    await world.unharmed()
  })

  test(`${RANDOM_PACKETS} packets of chance harm nobody else`, async () => {
    console.log(`sockets: FUZZ_SEED=${SEED}`)
    const packets = fc.sample(randomPacket, { seed: SEED, numRuns: RANDOM_PACKETS })
    for (const door of DOORS)
      for (let at = 0; at < packets.length; at += RANDOM_BATCH) {
        const raw = at % (2 * RANDOM_BATCH) === 0 ? await signedIn(door) : await rawSocket(door)
        for (const packet of packets.slice(at, at + RANDOM_BATCH)) if (raw.isOpen()) raw.send(packet)
        raw.close()
      }
    await world.unharmed()
  }, 60_000)
})

const http = (method: string, query: string, body = "") =>
  Buffer.from(`${method} /socket.io/?${query} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)

/** The answer; undefined: it was cut off. Whoever gets neither in time has been left hanging. */
async function answerTo(wire: Wire, bytes: Buffer): Promise<WireAnswer | undefined> {
  const answer = wire.ask(bytes).catch((error: unknown) => {
    if (error instanceof CutOff) return undefined
    throw error
  })
  const hangs = Bun.sleep(ANSWER_MAX_MS).then(() => {
    throw new Error(`neither answered nor cut: ${bytes.toString("latin1").slice(0, 200)}`)
  })
  const answered = await Promise.race([answer, hangs])
  expect(answered?.body.toString() ?? "").not.toMatch(/node_modules|\.ts:\d|TypeError/)
  return answered
}

describe.each(DOORS)("by polling at %s", (door) => {
  const open = () => Wire.open(world.portOf(door))

  async function session(wire: Wire): Promise<string> {
    const { status, body } = await wire.ask(http("GET", `${QUERY}polling`))
    expect(status).toBe(200)
    return JSON.parse(body.toString().slice(1)).sid
  }

  test.each(PACKETS)("%s: harms nobody else", async (_, packets) => {
    const wire = await open()
    const sid = await session(wire)
    const texts = packets.map((packet) => (typeof packet === "string" ? packet : `b${Buffer.from(packet).toString("base64")}`))
    const answer = await answerTo(wire, http("POST", `${QUERY}polling&sid=${sid}`, texts.join("\x1e")))
    if (answer) expect([200, 400, 413]).toContain(answer.status)
    wire.close()
    await world.unharmed()
  })

  test("sessions that are not there, of others or of another kind, and methods and transports that there are none of, are refused", async () => {
    const wire = await open()
    const sid = await session(wire)
    const cases: [string, string][] = [
      ["GET", `${QUERY}polling&sid=nobody`],
      ["GET", `${QUERY}polling&sid=__proto__`],
      ["POST", `${QUERY}polling&sid=constructor`],
      ["POST", `${QUERY}polling`],
      ["POST", `${QUERY}polling&sid=`],
      ["GET", "EIO=4&transport=carrier-pigeon"],
      ["GET", "EIO=4&transport=__proto__"],
      ["GET", "EIO=4&transport=constructor"],
      ["GET", "EIO=4"],
      ["GET", "transport=polling"],
      ["GET", "EIO=9&transport=polling"],
      ["POST", `${QUERY}polling&sid=x&sid=${sid}`],
      ["PUT", `${QUERY}polling&sid=${sid}`],
      ["DELETE", `${QUERY}polling`],
      ["GET", `${QUERY}websocket`],
      ["GET", `${QUERY}websocket&sid=${sid}`],
      ["GET", "%"],
    ]
    for (const [method, query] of cases) {
      const other = await open()
      const answer = await answerTo(other, http(method, query))
      expect([method, query, answer?.status]).toEqual([method, query, 400])
      other.close()
    }
    // It was left alone by all of that.
    expect((await answerTo(wire, http("POST", `${QUERY}polling&sid=${sid}`, "40/notifications,{}")))?.status).toBe(200)
    wire.close()
    await world.unharmed()
  })

  test("of two polls of one session at once one is refused, and both are answered", async () => {
    const [own, other] = [await open(), await open()]
    const poll = http("GET", `${QUERY}polling&sid=${await session(own)}`)
    const answers = await Promise.all([answerTo(own, poll), answerTo(other, poll)])
    expect(answers.map((answer) => answer?.status).toSorted()).toEqual([200, 400])
    for (const wire of [own, other]) wire.close()
    await world.unharmed()
  })

  test("a poll is not read by who does not know its session, and one too large is cut", async () => {
    const [own, other] = [await open(), await open()]
    const sid = await session(own)
    const large = await answerTo(own, http("POST", `${QUERY}polling&sid=${sid}`, `42/notifications,["x","${"x".repeat(200_000)}"]`))
    if (large) expect([400, 413]).toContain(large.status)
    expect((await answerTo(other, http("GET", `${QUERY}polling&sid=${sid.slice(0, -1)}`)))?.status).toBe(400)
    for (const wire of [own, other]) wire.close()
    await world.unharmed()
  })
})

const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
const UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
const VERSION = "Sec-WebSocket-Version: 13\r\n"
const REFUSED = [400, 426]
const SWITCHED = [101]

const HANDSHAKES: [what: string, headers: string, allowed: number[]][] = [
  ["no key", UPGRADE + VERSION, REFUSED],
  ["neither key nor version", UPGRADE, REFUSED],
  ["no version", UPGRADE + KEY, REFUSED],
  ["a key that is none", `${UPGRADE}Sec-WebSocket-Key: x\r\n${VERSION}`, REFUSED],
  ["a version that is none", `${UPGRADE}${KEY}Sec-WebSocket-Version: 12\r\n`, REFUSED],
  ["another protocol", `Connection: Upgrade\r\nUpgrade: h2c\r\n${KEY}${VERSION}`, REFUSED],
  ["no upgrade", KEY + VERSION, REFUSED],
  // A proxy may have taken it away; whoever says the rest speaks the protocol.
  ["no word of the connection", `Upgrade: websocket\r\n${KEY}${VERSION}`, [...REFUSED, ...SWITCHED]],
  ["500 subprotocols", `${UPGRADE}${KEY}${VERSION}Sec-WebSocket-Protocol: ${"x,".repeat(500)}y\r\n`, SWITCHED],
  [
    "an extension of odd measures",
    `${UPGRADE}${KEY}${VERSION}Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99\r\n`,
    SWITCHED,
  ],
]
/** Unmasked, reserved, endless. */
const FRAMES_OF_NO_CLIENT = ["\x81\x01x", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x89\x7e\xff\xff"]

describe.each(DOORS)("at %s", (door) => {
  test.each(HANDSHAKES)(
    "a handshake with %s is answered: as a websocket only where it is one, and then cut for its frames",
    async (_, headers, allowed) => {
      const wire = await Wire.open(world.portOf(door))
      wire.write(`GET /socket.io/?${QUERY}websocket HTTP/1.1\r\nHost: x\r\n${headers}\r\n`)
      await until("it is answered", () => wire.received.includes("\r\n\r\n"), ANSWER_MAX_MS)
      const status = Number(wire.received.split(" ")[1])
      expect(allowed).toContain(status)
      if (SWITCHED.includes(status)) {
        for (const bytes of FRAMES_OF_NO_CLIENT) wire.write(bytes)
        await until("it is cut", () => !wire.isOpen, ANSWER_MAX_MS)
      }
      wire.close()
      await world.unharmed()
    },
  )
})
