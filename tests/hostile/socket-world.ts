/** A whole system that is attacked through `/socket.io/`, on the public port and straight, beside clients that behave. */
import { expect } from "bun:test"
import { closeSync, openSync } from "node:fs"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { person, type TestApi } from "../harness/api.ts"
import { type Cast, castOf, visit } from "../harness/cast.ts"
import { until } from "../harness/services.ts"
import { type Listener, listen, testSystem } from "../harness/system.ts"
import type { Place } from "./raw-requests.ts"

/** What is promised: a committed change is heard by then. */
const HEARD_MAX_MS = 5_000

/** The ways to the realtime process: behind nginx it is reached without the other. */
export type Door = "the public port" | "realtime's own port"
export const DOORS: Door[] = ["the public port", "realtime's own port"]

const TARGET = "/socket.io/?EIO=4&transport=polling"
/** Of 17 bytes, of which the first five are a packet of their own. */
export const SESSION_BODY = "40/notifications,"

/** `/socket.io/` at a port, with a session of its own. */
export async function placeOfSession(port: number): Promise<Place> {
  const answer = await fetch(`http://127.0.0.1:${port}${TARGET}`)
  expect(answer.status).toBe(200)
  const { sid } = JSON.parse((await answer.text()).slice(1))
  const change = (headers: string, body: string) => `POST ${TARGET}&sid=${sid} HTTP/1.1\r\nHost: x\r\n${headers}\r\n${body}`
  return { port, open: TARGET, known: TARGET, auth: "", change, body: SESSION_BODY }
}

export type SocketWorld = AsyncDisposable & {
  cast: Cast
  portOf: (door: Door) => number
  /** The bystanders have never been cut, and hear of what happens now; no process has logged a fault. */
  unharmed: () => Promise<void>
}

export async function socketWorld(): Promise<SocketWorld> {
  const folder = await mkdtemp(join(tmpdir(), "pulsecal-sockets-"))
  const logTo = openSync(join(folder, "log"), "a")
  const system = await testSystem({ logTo })
  const api: TestApi = { ...system, person: (uid = `uid-${Bun.randomUUIDv7()}`) => person(system.url, uid) }
  const cast = await castOf(api)
  const portOf = (door: Door) => (door === "the public port" ? Number(new URL(system.url).port) : system.ports.realtime)
  const bystanders = await Promise.all(
    DOORS.flatMap((door) =>
      ["websocket", "polling"].map((transport) =>
        listen(`http://127.0.0.1:${portOf(door)}`, cast.of("doctor").token, { transports: [transport] }),
      ),
    ),
  )
  return {
    cast,
    portOf,
    async unharmed() {
      const appointmentId = await visit(cast)
      const hears = ({ named }: Listener) => named("appointment:new").some((event) => event.appointmentId === appointmentId)
      await until("all bystanders hear", () => bystanders.every(hears), HEARD_MAX_MS)
      expect(bystanders.map(({ ready }) => ready.length)).toEqual(bystanders.map(() => 1))
      expect(faultsIn(await readFile(join(folder, "log"), "utf8"))).toEqual([])
    },
    async [Symbol.asyncDispose]() {
      for (const one of bystanders) await one[Symbol.asyncDispose]()
      await system[Symbol.asyncDispose]()
      closeSync(logTo)
      await rm(folder, { recursive: true })
    },
  }
}

/** Lines that tell of an error, or are none of the log's. */
const faultsIn = (log: string): string[] =>
  log.split("\n").filter((line) => /"level":"(?:error|fatal)"/.test(line) || (line !== "" && !line.startsWith("{")))
