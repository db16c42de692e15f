/** Bytes that are no good HTTP, and bodies that do not come, at `/socket.io/`, through the public port and at the realtime process's own. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { request } from "../harness/api.ts"
import { Wire, type WireAnswer } from "../harness/wire.ts"
import { CASES, exchange, expectRefused } from "./raw-requests.ts"
import { DOORS, type Door, placeOfSession, SESSION_BODY, type SocketWorld, socketWorld } from "./socket-world.ts"

/** The first five bytes of the body are a packet of their own. */
const ALLOWED_HERE: Record<string, number[]> = { "a body longer than said": [200] }
const SLOW_CLIENTS = 50
/** A busy machine's pauses, not a queue behind the slow. */
const HELD_UP_MAX_MS = 4_000

let world: SocketWorld
beforeAll(async () => {
  world = await socketWorld()
}, 60_000)
afterAll(() => world[Symbol.asyncDispose]())

const urlOf = (door: Door) => `http://127.0.0.1:${world.portOf(door)}`

const placeAt = (door: Door) => placeOfSession(world.portOf(door))

describe.each(DOORS)("at %s", (door) => {
  test.concurrent.each(CASES)("%s: is refused or cut, and others are served meanwhile", async (what, bytes, allowed) => {
    const place = await placeAt(door)
    expectRefused(await exchange(place.port, bytes(place)), [...allowed, ...(ALLOWED_HERE[what] ?? [])])
    expect((await request(`${urlOf(door)}/health`)).status).toBe(200)
  })

  test.concurrent("clients that send their bodies a byte at a time are heard in the end, and hold nobody up", async () => {
    const clients = await Promise.all(Array.from({ length: SLOW_CLIENTS }, () => slowClient(door)))
    let slowestMs = 0
    for (const byte of SESSION_BODY) {
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

/** Has sent the head of a request, and no byte of its body. */
async function slowClient(door: Door): Promise<{ wire: Wire; answer: Promise<WireAnswer> }> {
  const { port, change } = await placeAt(door)
  const wire = await Wire.open(port)
  return { wire, answer: wire.ask(change(`Content-Length: ${SESSION_BODY.length}\r\n`, "")) }
}
