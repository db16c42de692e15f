/** A realtime process restarts: everybody comes back at once, long after the last event they saw. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { announce } from "../core/events/log.ts"
import { scrape, valueIn } from "./harness/metrics.ts"
import { type OneProcess, startProcess } from "./harness/one-process.ts"
import { appointmentUpdate, type Listening, listen, offsetsOf, type TestStage, testStage } from "./harness/realtime.ts"
import { until } from "./harness/services.ts"

const DOCTORS = 90
const DESKS = 10
const SOCKETS_EACH = 10
const EVENTS = 10_000
const EVENTS_A_STATEMENT = 1_000
/** 200,000 deliveries, and a client that takes as much of the machine as the server. */
const CAUGHT_UP_MS = 60_000
/** A connection has some 100 KB with its first batch on the way; what is missed is read and sent in batches, never held whole. */
const GROWTH_MAX_BYTES = 300 * 1024 * 1024
const MEMORY_LOOK_MS = 50

let stage: TestStage
/** Who listens, each under the room that says what they may hear. */
let people: { uid: string; room: string }[]

beforeAll(async () => {
  stage = await testStage()
  const doctors = await Promise.all(Array.from({ length: DOCTORS }, () => stage.doctor()))
  const clinics = doctors.slice(0, DESKS).map((d) => d.clinicId)
  const desks = await Promise.all(clinics.map((clinicId) => stage.receptionist(clinicId)))
  people = [
    ...doctors.map(({ uid, doctorId }) => ({ uid, room: `doctor:${doctorId}` })),
    ...desks.map(({ uid }, n) => ({ uid, room: `desk:${clinics[n]}` })),
  ]
  for (let n = 0; n < EVENTS; n += EVENTS_A_STATEMENT) {
    const about = (i: number) => ({ doctorId: doctors[(n + i) % DOCTORS]?.doctorId, clinicId: clinics[(n + i) % DESKS] })
    await announce(stage.pool, ...Array.from({ length: EVENTS_A_STATEMENT }, (_, i) => appointmentUpdate(about(i))))
  }
  await stage.publisher.sweep()
}, 60_000)
afterAll(() => stage[Symbol.asyncDispose]())

async function memoryOf(port: number): Promise<number> {
  return valueIn(await scrape(port), "process_memory_usage_bytes") ?? Number.NaN
}

/** Of each room, the offsets of all that was told there. */
async function offsetsOfRooms(): Promise<Map<string, number[]>> {
  const rows = await stage.pool<{ room: string; offsets: number[] }[]>`
    select room, array_agg("offset"::float8 order by "offset") as offsets from room_events group by room`
  return new Map(rows.map(({ room, offsets }) => [room, [...offsets].map(Number)]))
}

/** Connects all at once; resolves when the last is caught up, with the most memory that the process had meanwhile. */
async function comeBack({ url, metricsPort }: OneProcess, from: number) {
  const sockets = people.flatMap(({ uid, room }) =>
    Array.from({ length: SOCKETS_EACH }, () => ({ room, diary: listen(url, { uid, lastOffset: from, reconnection: true }) })),
  )
  let peak = 0
  const isReady = async () => {
    peak = Math.max(peak, await memoryOf(metricsPort))
    await Bun.sleep(MEMORY_LOOK_MS)
    return sockets.every(({ diary }) => diary.ready.length > 0)
  }
  await until("all are caught up", isReady, CAUGHT_UP_MS)
  return { sockets, peak }
}

const leave = (sockets: { diary: Listening }[]) => sockets.forEach(({ diary }) => void diary.socket.disconnect())

test(
  "a thousand sockets that come back at once after 10,000 events are all caught up, in order, in bounded memory",
  async () => {
    await using server = await startProcess("realtime", stage.settings)
    const before = await memoryOf(server.metricsPort)
    const { sockets, peak } = await comeBack(server, 0)
    const told = await offsetsOfRooms()
    expect(sockets).toHaveLength(1_000)
    for (const { room, diary } of sockets) {
      expect(offsetsOf(diary)).toEqual(told.get(room) ?? [])
      expect(diary.gaps).toEqual([])
      expect(diary.disconnects).toEqual([])
    }
    console.log(`memory ${(before / 2 ** 20).toFixed(0)} MB, at its highest ${(peak / 2 ** 20).toFixed(0)} MB`)
    expect(peak - before).toBeLessThan(GROWTH_MAX_BYTES)
    leave(sockets)
  },
  2 * CAUGHT_UP_MS,
)

test(
  "those who were away for longer than the log is kept are told of the gap, and then all that is left",
  async () => {
    const floor = EVENTS / 2
    await stage.pool`update event_log set floor = ${floor}`
    await stage.pool`delete from room_events where "offset" <= ${floor}`
    await stage.pool`delete from events where "offset" <= ${floor}`
    await using server = await startProcess("realtime", stage.settings)
    const { sockets } = await comeBack(server, 1)
    const told = await offsetsOfRooms()
    for (const { room, diary } of sockets) {
      expect(diary.gaps).toEqual([{ from: 1, to: floor }])
      expect(offsetsOf(diary)).toEqual(told.get(room) ?? [])
    }
    leave(sockets)
  },
  2 * CAUGHT_UP_MS,
)
