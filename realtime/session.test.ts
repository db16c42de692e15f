import { afterAll, beforeAll, expect, spyOn, test } from "bun:test"
import { createConnection, createServer } from "node:net"
import type { Event } from "../core/events/catalog.ts"
import { announce } from "../core/events/log.ts"
import { changePatient } from "../core/patients/profile.ts"
import { appointmentUpdate, listen, listening, type TestStage, testStage, tokenOf } from "../tests/harness/realtime.ts"
import { until } from "../tests/harness/services.ts"
import type { Realtime } from "./server.ts"

/** Enough for a client on a busy machine to bring a new token. */
const GRACE_MS = 2_000
/** What the contract grants. */
const CONTRACT_GRACE_MS = 30_000

let stage: TestStage
let realtime: Realtime

beforeAll(async () => {
  stage = await testStage()
  realtime = await stage.start({ refreshGraceMs: GRACE_MS, drainTimeoutMs: 500 })
})
afterAll(() => stage[Symbol.asyncDispose]())

const accessChanged = (uid: string): Event => ({ name: "access:changed", data: { uid }, about: { uid } })
const newDoctorIn = (city: string): Event => ({ name: "doctor:new", data: { doctorId: Bun.randomUUIDv7(), city }, about: { city } })

// Tokens ----------------------------------------------------------------------------------------------------------

/** A socket whose token is about to expire, and has. */
async function expiredSocket(uid: string, transports = ["websocket"], url = realtime.url) {
  const diary = await listening(url, { token: tokenOf(uid, 2), transports })
  await until("the token has expired", () => diary.expired === 1)
  return diary
}

test.concurrent.each([["websocket"], ["polling"]])(
  "when its token expires a %s hears so, and nothing more, and is cut",
  async (transport) => {
    const { uid, doctorId } = await stage.doctor()
    const diary = await expiredSocket(uid, [transport])
    await stage.tell(appointmentUpdate({ doctorId }))
    await until("it is cut", () => diary.disconnects.length === 1)
    expect([diary.heard, diary.disconnects]).toEqual([[], ["io server disconnect"]])
  },
)

test.concurrent.each([["websocket"], ["polling"]])(
  "a %s that brings a new token is told what it missed, and goes on",
  async (transport) => {
    const { uid, doctorId } = await stage.doctor()
    const diary = await expiredSocket(uid, [transport])
    await stage.tell(appointmentUpdate({ doctorId }), appointmentUpdate({ doctorId }))
    expect(await diary.socket.emitWithAck("auth:refresh", { token: tokenOf(uid) })).toEqual({ ok: true })
    // It is ready when it has been told what its process knows, which may learn of them only then.
    await until("ready again, and told what it missed", () => diary.ready.length === 2 && diary.heard.length === 2)
    await stage.tell(appointmentUpdate({ doctorId }))
    await until("the next is heard", () => diary.heard.length === 3)
    await Bun.sleep(GRACE_MS + 50)
    expect(diary.disconnects).toEqual([])
    diary.socket.close()
  },
)

test("unless told otherwise, a realtime process grants 30 seconds to bring a new token: it cuts when they are over, and not before", async () => {
  const { url } = await stage.start()
  const { uid } = await stage.doctor()
  using timers = spyOn(globalThis, "setTimeout")
  const diary = await expiredSocket(uid, ["websocket"], url)
  const granted = timers.mock.calls.filter(([, ms]) => ms === CONTRACT_GRACE_MS)
  expect([granted.length, diary.disconnects]).toEqual([1, []])
  // The clock's part, played by hand.
  granted[0]?.[0]()
  await until("it is cut", () => diary.disconnects.length === 1)
})

test.concurrent("a token brought before the old one expires replaces it without a word", async () => {
  const { uid } = await stage.doctor()
  const diary = await listening(realtime.url, { token: tokenOf(uid, 2) })
  expect(await diary.socket.emitWithAck("auth:refresh", tokenOf(uid))).toEqual({ ok: true })
  await Bun.sleep(2_200)
  expect([diary.expired, diary.ready.length, diary.disconnects]).toEqual([0, 1, []])
  diary.socket.close()
})

test.concurrent("another person's, an expired or no token renews nothing", async () => {
  const { uid } = await stage.doctor()
  const diary = await expiredSocket(uid)
  for (const payload of [tokenOf("someone-else"), tokenOf(uid, -5), "", null, { token: 1 }, 7])
    expect(await diary.socket.emitWithAck("auth:refresh", payload)).toEqual({ ok: false, error: "unauthorized" })
  await until("it is cut", () => diary.disconnects.length === 1)
})

test.concurrent("a token that lives longer than a timer can wait does not expire at once", async () => {
  const { uid } = await stage.doctor()
  const diary = await listening(realtime.url, { token: tokenOf(uid, 60 * 60 * 24 * 60) })
  await Bun.sleep(50)
  expect(diary.expired).toBe(0)
  diary.socket.close()
})

// Access ----------------------------------------------------------------------------------------------------------

test("who moves to another city hears that city's doctors, from the very next event, and no longer the old one's", async () => {
  const { uid } = await stage.patient("Lima")
  const diary = await listening(realtime.url, { uid })
  await changePatient(stage.pool, uid, { city: "Quito" })
  // In one batch with the change: there is no time to read the rooms in between.
  await stage.tell(newDoctorIn("Quito"), newDoctorIn("Lima"), newDoctorIn("QUITO"))
  await until("both are heard", () => diary.heard.length === 2)
  await Bun.sleep(30)
  expect(diary.heard.map((h) => h.data.city)).toEqual(["Quito", "QUITO"])
  diary.socket.close()
})

/** As the clinic's doctor does it; `then` happens at once after. */
async function setStatus(uid: string, status: string, ...then: Event[]): Promise<void> {
  await stage.pool.begin(async (tx) => {
    await tx`update receptionists set status = ${status} where uid = ${uid}`
    await announce(tx, accessChanged(uid), ...then)
  })
  await stage.publisher.sweep()
}

test("a receptionist hears the desk once active, and is cut at once on every process when revoked", async () => {
  const other = await stage.start()
  const { doctorId, clinicId } = await stage.doctor()
  const { uid } = await stage.receptionist(clinicId, "PENDING")
  const diaries = [await listening(realtime.url, { uid }), await listening(other.url, { uid, transports: ["polling"] })]
  const event = () => appointmentUpdate({ doctorId, clinicId })
  await stage.tell(event())
  await setStatus(uid, "ACTIVE", event(), event())
  await until("both have heard the two since", () => diaries.every((d) => d.heard.length === 2))
  await setStatus(uid, "REVOKED", event(), event())
  await until("both are cut", () => diaries.every((d) => d.disconnects.length === 1))
  expect(diaries.map((d) => [d.heard.length, d.disconnects])).toEqual([
    [2, ["io server disconnect"]],
    [2, ["io server disconnect"]],
  ])
  const again = listen(realtime.url, { uid })
  await until("the door stays shut", () => again.errors.length === 1)
  expect(again.errors).toEqual(["forbidden"])
})

test.each([["websocket"], ["polling"]])(
  "a receptionist by %s whose token has expired is cut at once when revoked, and not at the end of the grace",
  async (transport) => {
    const { url } = await stage.start()
    const { doctorId, clinicId } = await stage.doctor()
    const { uid } = await stage.receptionist(clinicId)
    const diary = await expiredSocket(uid, [transport], url)
    // A change that leaves them in is told to nobody, and takes no grace away.
    await setStatus(uid, "ACTIVE", appointmentUpdate({ doctorId, clinicId }))
    await Bun.sleep(300)
    expect([diary.heard, diary.ready.length, diary.disconnects]).toEqual([[], 1, []])
    await setStatus(uid, "REVOKED")
    await until("it is cut", () => diary.disconnects.length === 1)
    expect([diary.heard, diary.ready.length, diary.disconnects]).toEqual([[], 1, ["io server disconnect"]])
  },
  15_000,
)

/** A way to the database on which answers can be made to take their time. */
async function slowDatabase(url: string) {
  const { hostname, port } = new URL(url)
  const line = { delayMs: 0, url: "", [Symbol.dispose]: () => void server.close() }
  const server = createServer((client) => {
    const upstream = createConnection(Number(port), hostname)
    let turn = Promise.resolve()
    client.on("data", (bytes) => upstream.write(bytes)).on("close", () => upstream.destroy())
    upstream.on("data", (bytes) => {
      turn = turn.then(() => Bun.sleep(line.delayMs)).then(() => void client.write(bytes))
    })
    upstream.on("close", () => client.destroy())
    for (const end of [client, upstream]) end.on("error", () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  line.url = Object.assign(new URL(url), { host: `127.0.0.1:${(server.address() as { port: number }).port}` }).href
  return line
}

test("a change that commits after the profile was read, and before the socket is known, is not missed", async () => {
  await using own = await testStage()
  using line = await slowDatabase(own.database.url)
  const { url } = await own.start({}, { DATABASE_URL: line.url, DATABASE_POOL: "1" })
  const { uid } = await own.patient("Old")
  const before = await listening(url, { uid })
  line.delayMs = 300
  const diary = listen(url, { uid })
  await Bun.sleep(150)
  await changePatient(own.pool, uid, { city: "New" })
  await own.publisher.sweep()
  await until("ready", () => diary.ready.length > 0)
  line.delayMs = 0
  await own.tell(newDoctorIn("Old"), newDoctorIn("New"))
  await until("the new city's is heard", () => diary.heard.length === 1)
  expect(diary.heard.map((h) => h.data.city)).toEqual(["New"])
  for (const { socket } of [before, diary]) socket.close()
})

// Slow clients ----------------------------------------------------------------------------------------------------

const large = (doctorId: string): Event => ({
  name: "appointment:new",
  data: { appointmentId: Bun.randomUUIDv7(), patientName: "x", scheduledAt: "2030-01-01T10:00:00Z", reason: "y".repeat(8_000) },
  about: { doctorId, clinicId: doctorId },
})

/** A websocket whose owner says who they are and then reads no more. */
async function stoppedReader(auth: Record<string, unknown>): Promise<{ closed: () => boolean; end: () => void }> {
  let closed = false
  const packet = Buffer.from(`40/notifications,${JSON.stringify(auth)}`)
  const header = Buffer.from([0x81, 0x80 | 126, packet.length >> 8, packet.length & 255, 0, 0, 0, 0])
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: realtime.port,
    socket: {
      data(s, bytes) {
        if (!bytes.toString().includes("101 Switching")) return
        s.write(Buffer.concat([header, packet]))
        s.pause()
      },
      close() {
        closed = true
      },
    },
  })
  socket.write(
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
  )
  return { closed: () => closed, end: () => socket.terminate() }
}

/** As the above, by polling: one poll for the handshake's answer and none after. */
async function stoppedPoller(auth: Record<string, unknown>): Promise<void> {
  const url = `${realtime.url}/socket.io/?EIO=4&transport=polling`
  const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1))
  await fetch(`${url}&sid=${sid}`, { method: "POST", body: `40/notifications,${JSON.stringify(auth)}` })
  await (await fetch(`${url}&sid=${sid}`)).text()
}

test("a client that does not read is cut: its buffer is bounded, live and in a replay, and others do not wait for it", async () => {
  const { uid, doctorId } = await stage.doctor()
  const before = realtime.connections()
  const stopped = await stoppedReader({ token: tokenOf(uid) })
  await stoppedPoller({ token: tokenOf(uid) })
  const diary = await listening(realtime.url, { uid })
  await until("all have connected", () => realtime.connections() === before + 3)
  for (let i = 0; i < 15; i++) await stage.tell(...Array.from({ length: 100 }, () => large(doctorId)))
  await until("the reader hears all", () => diary.heard.length === 1_500)
  await until("both of the others are cut", () => realtime.connections() === before + 1)
  stopped.end()
  diary.socket.close()
  const replayed = await stoppedReader({ token: tokenOf(uid), lastOffset: 0 })
  await stoppedPoller({ token: tokenOf(uid), lastOffset: 0 })
  await until("both are being told", () => realtime.connections() === before + 2)
  await until("both are cut", () => realtime.connections() === before)
  replayed.end()
}, 20_000)
