/** Bytes that are no good HTTP, and bodies that do not come, at `/socket.io/`, through the public port and at the realtime process's own. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { request } from "../harness/api.ts"
import { Wire, type WireAnswer } from "../harness/wire.ts"
import { CASES, exchange, expectRefused, type Place, untilCut } from "./raw-requests.ts"
import { DOORS, type Door, type SocketWorld, socketWorld } from "./socket-world.ts"

const TARGET = "/socket.io/?EIO=4&transport=polling"
/** As many bytes as the cases say. */
const BODY = "40/notifications,"
/** The first five bytes of the body are a packet of their own. */
const ALLOWED_HERE: Record<string, number[]> = { "a body longer than said": [200] }
/** The idle timeouts are 30 s at the public port and 50 s behind it, where a poll waits for its ping; looked at every few seconds. */
const CUT_MAX_MS: Record<Door, number> = { "the public port": 45_000, "realtime's own port": 65_000 }
const MEANWHILE_MS = 5_000
const SLOW_CLIENTS = 50
/** A busy machine's pauses, not a queue behind the slow. */
const HELD_UP_MAX_MS = 2_000

let world: SocketWorld
beforeAll(async () => {
  world = await socketWorld()
}, 60_000)
afterAll(() => world[Symbol.asyncDispose]())

const urlOf = (door: Door) => `http://127.0.0.1:${world.portOf(door)}`

/** With a session of its own. */
async function placeAt(door: Door): Promise<Place> {
  const answer = await fetch(urlOf(door) + TARGET)
  expect(answer.status).toBe(200)
  const { sid } = JSON.parse((await answer.text()).slice(1))
  const change = (headers: string, body: string) => `POST ${TARGET}&sid=${sid} HTTP/1.1\r\nHost: x\r\n${headers}\r\n${body}`
  return { port: world.portOf(door), open: TARGET, known: TARGET, auth: "", change, body: BODY }
}

/** Whatever the server thought of them, it was none of its own faults. */
const expectNoFault = (statuses: number[]) => expect(statuses.filter((status) => status >= 500 && status !== 503)).toEqual([])

describe.each(DOORS)("at %s", (door) => {
  test.concurrent.each(CASES)("%s: is refused or cut, and others are served meanwhile", async (what, bytes, allowed) => {
    const place = await placeAt(door)
    expectRefused(await exchange(place.port, bytes(place)), [...allowed, ...(ALLOWED_HERE[what] ?? [])])
    expect((await request(`${urlOf(door)}/health`)).status).toBe(200)
  })

  test.concurrent("a client that says nothing more, in the head or in the body, is cut, and others hear meanwhile", async () => {
    const sessions = await Promise.all(Array.from({ length: 4 }, () => placeAt(door)))
    const openings = [
      "",
      "GET /socket.io/ HTTP/1.1\r\nHost",
      ...sessions.flatMap(({ change }) => [change("Content-Length: 100\r\n", "4"), change("Transfer-Encoding: chunked\r\n", "64\r\n4")]),
    ]
    const [cut] = await Promise.all([untilCut(world.portOf(door), openings, CUT_MAX_MS[door]), meanwhile()])
    expect(cut.stillOpen).toBe(0)
    expectNoFault(cut.statuses)
  }, 90_000)

  test.concurrent("a client that drips its head or its body, so as never to be idle, is cut as well, and others hear meanwhile", async () => {
    const sessions = await Promise.all(Array.from({ length: 4 }, () => placeAt(door)))
    const openings = [
      `GET ${TARGET} HTTP/1.1\r\nHost: x\r\nX-A: `,
      `POST ${TARGET}&sid=nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n4`,
      ...sessions.flatMap(({ change }) => [change("Content-Length: 1000\r\n", "4"), change("Transfer-Encoding: chunked\r\n", "3e8\r\n4")]),
    ]
    const [cut] = await Promise.all([untilCut(world.portOf(door), openings, CUT_MAX_MS[door], " "), meanwhile()])
    expect(cut.stillOpen).toBe(0)
    expectNoFault(cut.statuses)
  }, 90_000)

  test.concurrent("clients that send their bodies a byte at a time are heard in the end, and hold nobody up", async () => {
    const clients = await Promise.all(Array.from({ length: SLOW_CLIENTS }, () => slowClient(door)))
    let slowestMs = 0
    for (const byte of BODY) {
      for (const { wire } of clients) wire.write(byte)
      const start = performance.now()
      await placeAt(door)
      slowestMs = Math.max(slowestMs, performance.now() - start)
      await Bun.sleep(20)
    }
    expect(slowestMs).toBeLessThan(HELD_UP_MAX_MS)
    const statuses = await Promise.all(clients.map(({ answer }) => answer.then(({ status }) => status)))
    expect(statuses).toEqual(clients.map(() => 200))
    for (const { wire } of clients) wire.close()
  }, 60_000)

  test("after all of that nobody has been cut and no fault is in the log", () => world.unharmed())
})

/** When the slow have begun and none of them is cut yet. */
async function meanwhile(): Promise<void> {
  await Bun.sleep(MEANWHILE_MS)
  await world.unharmed()
}

/** Has sent the head of a request, and no byte of its body. */
async function slowClient(door: Door): Promise<{ wire: Wire; answer: Promise<WireAnswer> }> {
  const { port, change } = await placeAt(door)
  const wire = await Wire.open(port)
  return { wire, answer: wire.ask(change(`Content-Length: ${BODY.length}\r\n`, "")) }
}
