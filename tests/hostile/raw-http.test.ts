/** Bytes that are no good HTTP, on plain sockets: answered or cut, never followed, and nobody else notices. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type Person, request } from "../harness/api.ts"
import { Wire } from "../harness/wire.ts"
import { ANSWER_MS, CASES, exchange, expectRefused, get, type Place } from "./raw-requests.ts"
import { type Target, target } from "./target.ts"

let api: Target
let patient: Person
let id: string
beforeAll(async () => {
  api = await target({ CORS_ORIGIN: "https://app.example,https://desk.example:8443" })
  patient = api.person()
  id = (await patient.post("/patients", { name: "Pat Raw" })).body.id
}, 30_000)
afterAll(() => api[Symbol.asyncDispose]())

/** A busy machine's pauses, not a queue behind two hundred others. */
const HELD_UP_MAX_MS = 4_000

/** Before the memory is looked at for the first time, all code has run and the collector has found its pace. */
const WARM_PASSES = 3
const PASSES = 20
/** In a pass, for what is answered at all. */
const PASS_MS = 150
/** The heap goes up and down by 4 MB. Ten kilobytes kept of each request would be 10 MB, the megabyte of each of the two largest 40. */
const HEAP_GROWTH_MAX_BYTES = 8 * 1024 * 1024
const RESIDENT_GROWTH_MAX_BYTES = 24 * 1024 * 1024

/** As {@link exchange}, for what is surely answered. */
async function exchangeUntilAnswered(bytes: string): Promise<{ received: string }> {
  const wire = await Wire.open(api.port)
  wire.write(bytes)
  const deadline = Date.now() + ANSWER_MS
  while (wire.isOpen && !wire.received.includes("\r\n\r\n") && Date.now() < deadline) await Bun.sleep(1)
  wire.close()
  return wire
}

/** What of it can stand in a header at all, written raw. */
const decoded = (text: string) => decodeURIComponent(text).replaceAll("\r\n", "\r").replaceAll("\0", "")

const auth = () => `Authorization: Bearer ${patient.token}\r\n`
const patch = (headers: string, body: string) =>
  `PATCH /api/v1/patients/me HTTP/1.1\r\nHost: x\r\n${auth()}Content-Type: application/json\r\n${headers}\r\n${body}`
const place = (): Place => ({
  port: api.port,
  open: "/health",
  known: "/api/v1/me",
  auth: auth(),
  change: patch,
  body: '{"city":"Hacked"}',
})

describe("a request that is none", () => {
  test.concurrent.each(CASES)("%s: is refused or cut, and others are served meanwhile", async (_, bytes, allowed) => {
    expectRefused(await exchange(api.port, bytes(place())), allowed)
    expect((await request(`${api.url}/health`)).status).toBe(200)
  })

  test("none of them has changed anything, but what is a whole request as well", async () => {
    const { body } = await patient.get("/me")
    expect([body.patient.id, body.patient.name]).toEqual([id, "Pat Raw"])
    expect(api.isRunning()).toBe(true)
    expect(await api.log()).toBe("")
  })
})

/** Sends all of the cases at once, and lets go of what is not answered soon. */
async function pass(): Promise<void> {
  await Promise.all(
    CASES.map(async ([, bytes]) => {
      const wire = await Wire.open(api.port)
      wire.write(bytes(place()))
      const deadline = Date.now() + PASS_MS
      while (wire.isOpen && !wire.received.includes("\r\n\r\n") && Date.now() < deadline) await Bun.sleep(5)
      wire.close()
    }),
  )
}

test("again and again, they leave nothing in the server's memory", async () => {
  for (let n = 0; n < WARM_PASSES; n++) await pass()
  const warm = await api.memory()
  for (let n = 0; n < PASSES; n++) await pass()
  const end = await api.memory()
  const growth = { heap: end.heapBytes - warm.heapBytes, resident: end.residentBytes - warm.residentBytes }
  console.log(`raw HTTP: ${PASSES} × ${CASES.length} requests, heap +${growth.heap} bytes, resident +${growth.resident}`)
  expect(growth.heap).toBeLessThan(HEAP_GROWTH_MAX_BYTES)
  expect(growth.resident).toBeLessThan(RESIDENT_GROWTH_MAX_BYTES)
}, 60_000)

test.concurrent("clients that send their bodies a byte at a time hold nobody up", async () => {
  const wires = await Promise.all(Array.from({ length: 200 }, () => Wire.open(api.port)))
  const body = JSON.stringify({ city: "Slow" })
  for (const wire of wires) wire.write(patch(`Content-Length: ${body.length}\r\n`, ""))
  let slowestMs = 0
  for (const byte of body) {
    for (const wire of wires) wire.write(byte)
    const start = performance.now()
    expect((await request(`${api.url}/api/v1/me`, { headers: { authorization: `Bearer ${patient.token}` } })).status).toBe(200)
    slowestMs = Math.max(slowestMs, performance.now() - start)
    await Bun.sleep(20)
  }
  expect(slowestMs).toBeLessThan(HELD_UP_MAX_MS)
  for (const wire of wires) wire.close()
}, 60_000)

test.concurrent("requests sent at once on one connection are answered in order, or the connection is cut: nobody gets another's answer", async () => {
  const marks = Array.from({ length: 30 }, (_, i) => `mark-${i}`)
  for (const path of ["/nothing", "/api/v1/doctors"]) {
    const wire = await Wire.open(api.port)
    wire.write(marks.map((mark) => get(`${path}/${mark}`, `${auth()}X-Request-Id: ${mark}\r\n`)).join(""))
    await Promise.race([wire.closed.promise, Bun.sleep(ANSWER_MS)])
    const answered = [...wire.received.matchAll(/^x-request-id: (\S+)/gim)].map((m) => m[1])
    expect(answered.length).toBeGreaterThan(0)
    expect(answered).toEqual(marks.slice(0, answered.length))
    const told = [...wire.received.matchAll(/"instance":"[^"]*\/(mark-\d+)"/g)].map((m) => m[1])
    expect(told).toEqual(answered)
    wire.close()
  }
})

test.concurrent("a hidden second request is never answered: its length is read in one way only", async () => {
  const hidden = get("/api/v1/patients/smuggled", auth())
  const variants = [
    `Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
    `Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n${hidden}`,
    `Content-Length: ${hidden.length}\r\nContent-Length: 0\r\n\r\n${hidden}`,
    `Transfer-Encoding : chunked\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    `Transfer-Encoding: \tchunked\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    `X: y\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    `Content-Length: ${hidden.length}\r\nX: y\rContent-Length: 0\r\n\r\n${hidden}`,
  ]
  for (const variant of variants) {
    const { received } = await exchange(api.port, `POST /health HTTP/1.1\r\nHost: x\r\n${variant}`)
    expect([variant.slice(0, 60), received.includes("smuggled")]).toEqual([variant.slice(0, 60), false])
  }
})

test.concurrent("no header of an answer can be made by who asks: neither by a path, an id, a key, a field nor an origin", async () => {
  const breaks = ["%0d%0aX-Injected:1", "%0aX-Injected:1", "%E5%98%8A%E5%98%8DX-Injected:1", "%00", "\u010aX-Injected:1"]
  for (const text of breaks)
    for (const bytes of [
      get(`/api/v1/${text}`, auth()),
      get(`/api/v1/doctors/${text}`, auth()),
      get(`/api/v1/doctors/search?name=${text}&limit=${text}`, auth()),
      get("/health", `X-Request-Id: a${decoded(text)}b\r\n`),
      get("/health", `Origin: https://app.example${decoded(text)}\r\n`),
      patch(`Content-Length: ${text.length + 7}\r\nIdempotency-Key: ${text}\r\n`, `{"${text}":1}`),
      `OPTIONS /api/v1/me HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: x${decoded(text)}\r\n\r\n`,
    ]) {
      const { received } = await exchangeUntilAnswered(bytes)
      const head = received.slice(0, received.indexOf("\r\n\r\n"))
      expect([bytes.slice(0, 80), /^x-injected/im.test(head)]).toEqual([bytes.slice(0, 80), false])
    }
})
