/** Clients that begin a request and do not end it, at every door: cut after the idle timeouts, while others are served. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { untilCut } from "./raw-requests.ts"
import { DOORS, type Door, placeOfSession, type SocketWorld, socketWorld } from "./socket-world.ts"

/** The idle timeouts are 30 s at the public port and 50 s behind it, where a poll waits for its ping; looked at every few seconds. */
const CUT_MAX_MS: Record<Door, number> = { "the public port": 45_000, "realtime's own port": 65_000 }
/** When the slow have begun and none of them is cut yet. */
const MEANWHILE_MS = 5_000
const SESSIONS = 4
/** Of calls to the API, where there is one. */
const CALLS = 5

let world: SocketWorld
beforeAll(async () => {
  world = await socketWorld()
}, 60_000)
afterAll(() => world[Symbol.asyncDispose]())

async function meanwhile(): Promise<void> {
  await Bun.sleep(MEANWHILE_MS)
  await world.unharmed()
}

/** At the public port some are the API's, by somebody who is known. */
function callsOf(door: Door, ...bodies: [headers: string, body: string][]): string[] {
  if (door !== "the public port") return []
  const { token } = world.cast.of("patient")
  const head = `PATCH /api/v1/patients/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`
  return Array(CALLS)
    .fill(bodies.map(([headers, body]) => `${head}${headers}\r\n${body}`))
    .flat()
}

const sessionsAt = (door: Door) => Promise.all(Array.from({ length: SESSIONS }, () => placeOfSession(world.portOf(door))))

describe("a request that does not end", () => {
  test.concurrent.each(DOORS)(
    "whose client says nothing more, in the head or in the body, is cut, and others hear meanwhile: at %s",
    async (door) => {
      const openings = [
        "",
        "GET /socket.io/ HTTP/1.1\r\nHost",
        ...callsOf(door, ["Content-Length: 100\r\n", "{"], ["Transfer-Encoding: chunked\r\n", "11\r\n{"]),
        ...(await sessionsAt(door)).flatMap(({ change }) => [
          change("Content-Length: 100\r\n", "4"),
          change("Transfer-Encoding: chunked\r\n", "64\r\n4"),
        ]),
      ]
      await expectCut(door, openings)
    },
    90_000,
  )

  test.concurrent.each(DOORS)(
    "whose client drips it, so as never to be idle, is cut as well, and others hear meanwhile: at %s",
    async (door) => {
      const openings = [
        "GET /socket.io/ HTTP/1.1\r\nHost: x\r\nX-A: ",
        "POST /socket.io/?EIO=4&transport=polling&sid=nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n4",
        ...callsOf(door, ["Content-Length: 1000\r\n", "{"]),
        ...(await sessionsAt(door)).flatMap(({ change }) => [
          change("Content-Length: 1000\r\n", "4"),
          change("Transfer-Encoding: chunked\r\n", "3e8\r\n4"),
        ]),
      ]
      await expectCut(door, openings, " ")
    },
    90_000,
  )
})

/** Whatever the server thought of them, it was none of its own faults. */
async function expectCut(door: Door, openings: string[], drip = ""): Promise<void> {
  const [cut] = await Promise.all([untilCut(world.portOf(door), openings, CUT_MAX_MS[door], drip), meanwhile()])
  expect(cut.stillOpen).toBe(0)
  expect(cut.statuses.filter((status) => status >= 500 && status !== 503)).toEqual([])
}
