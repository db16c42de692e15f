/** A realtime process restarts: everybody who was connected comes back at once, long after the last event they saw. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { openPool } from "../core/db.ts"
import { announce } from "../core/events/log.ts"
import { findLog } from "../core/events/queries.ts"
import { dropOldEvents } from "../core/upkeep/event-partitions.ts"
import { age, endPartition } from "../core/upkeep/test-partitions.ts"
import { insertCursor } from "../core/work/queries.ts"
import { figure } from "../scripts/testing/figures.ts"
import { type Crowd, openCrowd } from "./harness/crowds.ts"
import { scrape, valueIn } from "./harness/metrics.ts"
import { type OneProcess, startProcess } from "./harness/one-process.ts"
import { appointmentNew, type TestStage, testStage, tokenOf } from "./harness/realtime.ts"
import { until } from "./harness/services.ts"

const DOCTORS = 99
const SOCKETS_EACH = 10
/** What all hear before they go. */
const HEARD_LIVE = 200
const EVENTS = 10_000
const EVENTS_A_STATEMENT = 1_000
const DAYS_KEPT = 30
const REASON = "x".repeat(2_000)
/** 200,000 deliveries of 2 KB, and a client that takes as much of the machine as the server; some of it in 10,000 pieces, one after the other. */
const CAUGHT_UP_MS = 90_000
/** All that is missed is 440 MB. */
const GROWTH_MAX_BYTES = 300 * 1024 * 1024
/** So many read nothing at all while they are caught up, though each has missed 20 MB. */
const STANDSTILLS = 200
const STANDSTILL_MS = 4_000
/** One batch each is on its way, 140 KB; what is missed is read and sent in batches, never held whole. */
const STANDSTILL_GROWTH_MAX_BYTES = 180 * 1024 * 1024
const MEMORY_LOOK_MS = 50

/** A few of each person's are enough to see gaps told, one of each transport. */
const FEW_EACH = 2

type Socket = { uid: string; room: string; transport: "websocket" | "polling" }

let stage: TestStage
let crowd: Crowd
/**
 * Who listens, each under the room that says what they may hear; half of the sockets by websocket, half by polling. All that happens is
 * of one clinic: its desk's sockets hear everything, each doctor's about a hundredth of it.
 */
let sockets: Socket[]
let doctors: { doctorId: string; clinicId: string }[]
/** Those, and where each stopped reading. */
let left: (Socket & { lastOffset: number })[]

beforeAll(async () => {
  stage = await testStage()
  crowd = openCrowd()
  const practice = await Promise.all(Array.from({ length: DOCTORS }, () => stage.doctor()))
  doctors = practice
  const clinicId = practice[0]?.clinicId as string
  const desk = await stage.receptionist(clinicId)
  const people = [
    ...practice.map(({ uid, doctorId }) => ({ uid, room: `doctor:${doctorId}` })),
    { uid: desk.uid, room: `desk:${clinicId}` },
  ]
  sockets = people.flatMap((person) =>
    Array.from({ length: SOCKETS_EACH }, (_, n) => ({ ...person, transport: n % 2 === 0 ? ("websocket" as const) : ("polling" as const) })),
  )
}, 60_000)
afterAll(async () => {
  await crowd[Symbol.asyncDispose]()
  await stage[Symbol.asyncDispose]()
})

/** Each is of one doctor, in turn, and of the one desk. */
async function tell(count: number): Promise<void> {
  const about = (n: number) => ({ doctorId: doctors[n % DOCTORS]?.doctorId, clinicId: doctors[0]?.clinicId })
  for (let n = 0; n < count; n += EVENTS_A_STATEMENT) {
    const size = Math.min(EVENTS_A_STATEMENT, count - n)
    await announce(stage.pool, ...Array.from({ length: size }, (_, i) => appointmentNew({ ...about(n + i), reason: REASON })))
  }
  await stage.publisher.sweep()
}

const memoryOf = async ({ metricsPort }: OneProcess) => valueIn(await scrape(metricsPort), "process_memory_usage_bytes") ?? Number.NaN

const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0)

/** Of each room, the offsets of all that was told there. */
async function offsetsOfRooms(): Promise<Map<string, number[]>> {
  const rows = await stage.pool<{ room: string; offsets: number[] }[]>`
    select room, array_agg("offset"::float8 order by "offset") as offsets from room_events group by room`
  return new Map(rows.map(({ room, offsets }) => [room, [...offsets].map(Number)]))
}

/** Connects all at once; resolves when the last is caught up, with the most memory that the process had meanwhile. */
async function come(server: OneProcess, who: (Socket & { lastOffset?: number })[], standstillMs = 0) {
  const members = who.map(({ uid, transport, lastOffset }) => ({ token: tokenOf(uid), transport, lastOffset }))
  const started = performance.now()
  let [peak, isDone] = [0, false]
  const looking = (async () => {
    for (; !isDone; await Bun.sleep(MEMORY_LOOK_MS)) peak = Math.max(peak, await memoryOf(server))
  })()
  const diaries = await crowd.come(server.url, members, { timeoutMs: CAUGHT_UP_MS, standstillMs })
  isDone = true
  const seconds = (performance.now() - started) / 1000
  await looking
  return { diaries, peak, seconds }
}

test(
  "a thousand sockets, half of them polling, hear what happens while they are there",
  async () => {
    await using server = await startProcess("realtime", stage.settings)
    const { diaries } = await come(server, sockets)
    expect(diaries).toHaveLength(1_000)
    const head = diaries[0]?.ready[0] as number
    await tell(HEARD_LIVE)
    const told = await offsetsOfRooms()
    const expected = sockets.map(({ room }) => told.get(room)?.filter((offset) => offset > head) ?? [])
    const count = expected.flat().length
    const heard = await until("all are heard", async () => {
      const now = await crowd.say()
      return now.flatMap((diary) => diary.offsets).length === count ? now : undefined
    })
    expect(heard.map((diary) => diary.offsets)).toEqual(expected)
    left = sockets.map((socket, n) => ({ ...socket, lastOffset: heard[n]?.offsets.at(-1) ?? head }))
    crowd.leave()
  },
  2 * CAUGHT_UP_MS,
)

test(
  "a thousand sockets that come back at once after 10,000 events, ten of which have missed every one, are all caught up, in order, in bounded memory",
  async () => {
    await tell(EVENTS)
    await using server = await startProcess("realtime", stage.settings)
    const before = await memoryOf(server)
    const { diaries, peak, seconds } = await come(server, left)
    const told = await offsetsOfRooms()
    for (const [n, { room, lastOffset }] of left.entries()) {
      const missed = told.get(room)?.filter((offset) => offset > lastOffset)
      expect(diaries[n]).toMatchObject({ offsets: missed as number[], gaps: [], disconnects: [] })
    }
    expect(diaries.filter(({ offsets }) => offsets.length === EVENTS)).toHaveLength(SOCKETS_EACH)
    const deliveries = diaries.flatMap((diary) => diary.offsets).length
    expect(deliveries).toBe(2 * EVENTS * SOCKETS_EACH)
    figure(
      `${diaries.length} sockets back at once after ${EVENTS} events, ${SOCKETS_EACH} of which missed all: ${deliveries} deliveries in ${seconds.toFixed(1)} s; memory ${megabytes(before)} → ${megabytes(peak)} MB`,
    )
    expect(peak - before).toBeLessThan(GROWTH_MAX_BYTES)
    crowd.leave()
  },
  2 * CAUGHT_UP_MS,
)

test(
  "of those who do not read what they missed, none has more than a batch waiting",
  async () => {
    await using server = await startProcess("realtime", stage.settings)
    const desks = left.filter(({ room, transport }) => room.startsWith("desk:") && transport === "websocket")
    const who = Array.from({ length: STANDSTILLS }, (_, n) => desks[n % desks.length] as (typeof desks)[number])
    const before = await memoryOf(server)
    const { diaries, peak } = await come(server, who, STANDSTILL_MS)
    for (const diary of diaries) expect(diary).toMatchObject({ ready: [], gaps: [], disconnects: [] })
    figure(`${STANDSTILLS} sockets that missed 20 MB each and do not read: memory ${megabytes(before)} → ${megabytes(peak)} MB`)
    expect(peak - before).toBeLessThan(STANDSTILL_GROWTH_MAX_BYTES)
    crowd.leave()
  },
  2 * CAUGHT_UP_MS,
)

test(
  "those who were away for longer than the log is kept are told of the gap, and then all that is left",
  async () => {
    const run = openPool(stage.database.url, { max: 1, name: "test-retention" })
    await insertCursor(stage.pool)
    await endPartition(stage.pool, run)
    await tell(EVENTS_A_STATEMENT)
    const { head } = await findLog(run)
    await age(stage.pool, DAYS_KEPT + 1)
    const floor = head - EVENTS_A_STATEMENT
    expect(await dropOldEvents(run, DAYS_KEPT, Date.now())).toEqual({ rows: floor, inUse: false })
    await run.end()
    await using server = await startProcess("realtime", stage.settings)
    const few = left.filter((_, n) => n % SOCKETS_EACH < FEW_EACH)
    const { diaries } = await come(server, few)
    const told = await offsetsOfRooms()
    for (const [n, { room, lastOffset }] of few.entries())
      expect(diaries[n]).toMatchObject({ gaps: [{ from: lastOffset, to: floor }], offsets: told.get(room) as number[] })
    crowd.leave()
  },
  2 * CAUGHT_UP_MS,
)
