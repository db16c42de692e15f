import { afterAll, beforeAll, expect, test } from "bun:test"
import type { Event } from "../core/events/catalog.ts"
import { announce } from "../core/events/log.ts"
import { dropOldEvents } from "../core/upkeep/event-partitions.ts"
import { age, endPartition } from "../core/upkeep/test-partitions.ts"
import { insertCursor } from "../core/work/queries.ts"
import {
  appointmentUpdate,
  type Listening,
  listen,
  listening,
  offsetsOf,
  type TestStage,
  testStage,
  tokenOf,
} from "../tests/harness/realtime.ts"
import { freePort, until } from "../tests/harness/services.ts"
import type { Realtime } from "./server.ts"

let stage: TestStage
let realtime: Realtime

beforeAll(async () => {
  stage = await testStage()
  realtime = await stage.start()
})
afterAll(() => stage[Symbol.asyncDispose]())

const roomOffsets = async (of: TestStage, room: string) =>
  (await of.pool<{ offset: number }[]>`select "offset" from room_events where room = ${room} order by 1`).map((r) => r.offset)

const repeat = (count: number, event: () => Event) => Array.from({ length: count }, event)

test.each([[["websocket"]], [["polling"]], [["polling", "websocket"]]])(
  "a client that comes back is told what it missed, exactly and in order, then that it is ready: %p",
  async (transports) => {
    const { uid, doctorId } = await stage.doctor()
    await stage.tell(...repeat(300, () => appointmentUpdate({ doctorId })))
    const all = await roomOffsets(stage, `doctor:${doctorId}`)
    // A process that was not there when it happened has it from the table only.
    const fresh = await stage.start()
    for (const { url } of [realtime, fresh]) {
      const diary = await listening(url, { uid, transports, lastOffset: all[99] })
      expect(offsetsOf(diary)).toEqual(all.slice(100))
      expect(diary.ready).toEqual([all.at(-1) as number])
      expect(diary.gaps).toEqual([])
      diary.socket.close()
    }
  },
)

test("without lastOffset a client hears only what comes", async () => {
  const { uid, doctorId } = await stage.doctor()
  await stage.tell(appointmentUpdate({ doctorId }))
  await until("the process has read it", async () => realtime.cursor() === (await roomOffsets(stage, `doctor:${doctorId}`))[0])
  for (const lastOffset of [undefined, null]) {
    const diary = await listening(realtime.url, { uid, lastOffset })
    expect([diary.heard, diary.ready]).toEqual([[], [realtime.cursor() as number]])
    diary.socket.close()
  }
})

test("a client whose lastOffset is beyond the log is told so and goes on from the head", async () => {
  const { uid, doctorId } = await stage.doctor()
  const diary = await listening(realtime.url, { uid, lastOffset: 10_000_000 })
  const head = diary.ready[0] as number
  expect(diary.gaps).toEqual([{ from: 10_000_000, to: head }])
  await stage.tell(appointmentUpdate({ doctorId }))
  await until("the next event is heard", () => diary.heard.length === 1)
  diary.socket.close()
})

test("a client that knows more than the process it comes to is not told of a gap: the process catches up first", async () => {
  // Without Redis a process looks at the table a few times a second.
  const late = await stage.start({}, { REDIS_PORT: String(await freePort()) })
  const { uid, doctorId } = await stage.doctor()
  const ahead = await listening(realtime.url, { uid })
  for (let i = 1; i <= 5; i++) {
    await stage.tell(appointmentUpdate({ doctorId }))
    await until("it is heard", () => ahead.heard.length === i)
    const lastOffset = offsetsOf(ahead).at(-1) as number
    const diary = await listening(late.url, { uid, lastOffset })
    expect([diary.gaps, diary.heard]).toEqual([[], []])
    expect(diary.ready[0]).toBeGreaterThanOrEqual(lastOffset)
    diary.socket.close()
  }
  ahead.socket.close()
})

test("a client whose lastOffset is older than what is kept is told so and replayed the rest", async () => {
  await using own = await testStage()
  const { uid, doctorId } = await own.doctor()
  await own.tell(...repeat(10, () => appointmentUpdate({ doctorId })))
  await endPartition(own.pool, own.pool)
  await own.tell(...repeat(10, () => appointmentUpdate({ doctorId })))
  const all = await roomOffsets(own, `doctor:${doctorId}`)
  const floor = all[9] as number
  const { url } = await own.start()
  await insertCursor(own.pool)
  await age(own.pool, 31)
  expect(await dropOldEvents(own.pool, 30, Date.now())).toEqual({ rows: floor, inUse: false })
  const diary = await listening(url, { uid, lastOffset: 2 })
  expect(diary.gaps).toEqual([{ from: 2, to: floor }])
  expect(offsetsOf(diary)).toEqual(all.slice(10))
  diary.socket.close()
})

test("when the database is restored from an older copy, sockets are told and come again, since offsets begin anew", async () => {
  await using own = await testStage()
  const { url } = await own.start()
  const { uid, doctorId } = await own.doctor()
  const diary = await listening(url, { uid })
  await own.tell(...repeat(10, () => appointmentUpdate({ doctorId })))
  await until("all are heard", () => diary.heard.length === 10)
  const last = offsetsOf(diary).at(-1) as number
  await own.pool`delete from events where "offset" > ${last - 4}`
  await own.pool`delete from room_events where "offset" > ${last - 4}`
  await own.pool`update event_log set head = ${last - 4}`
  await own.publisher.sweep()
  await until("the client is told", () => diary.disconnects.length === 1)
  expect(diary.gaps).toEqual([{ from: last, to: last - 4 }])
  expect(diary.disconnects).toEqual(["transport close"])
  const again = await listening(url, { uid, lastOffset: last })
  expect(again.gaps).toEqual([{ from: last, to: last - 4 }])
  await own.tell(appointmentUpdate({ doctorId }))
  await until("the next event is heard", () => again.heard.length === 1)
  expect(offsetsOf(again)).toEqual([last - 3])
  again.socket.close()
}, 15_000)

test.each(["websocket", "polling"])(
  "a stopping process closes its sockets so that they come again by themselves, and nothing is lost: %s",
  async (transport) => {
    const { uid, doctorId } = await stage.doctor()
    const first = await stage.start()
    let lastOffset = 0
    const diary = listen(first.url, {
      uid,
      transports: [transport],
      reconnection: true,
      reconnectionDelay: 20,
      auth: (give) => give({ token: tokenOf(uid), lastOffset }),
    })
    diary.socket.onAny((_name, _data, meta) => {
      lastOffset = meta?.offset ?? lastOffset
    })
    await until("ready", () => diary.ready.length === 1)
    await stage.tell(appointmentUpdate({ doctorId }))
    await until("heard", () => diary.heard.length === 1)
    await first.stop()
    await stage.tell(...repeat(3, () => appointmentUpdate({ doctorId })))
    await stage.start({}, { PORT: String(first.port) })
    await until("ready again", () => diary.ready.length === 2)
    expect(diary.disconnects).toEqual(["transport close"])
    expect(offsetsOf(diary)).toEqual(await roomOffsets(stage, `doctor:${doctorId}`))
    diary.socket.close()
  },
)

// Under traffic ---------------------------------------------------------------------------------------------------

const TRAFFIC_MS = 3_000
const CLIENTS = 24
const TRANSPORTS = [["websocket"], ["polling"], ["polling", "websocket"]]
const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)] as T

type Reader = { uid: string; rooms: string[]; offsets: number[]; last: number; faults: string[] }

/** One connection for a random while, from where the reader stopped. */
async function readAWhile(reader: Reader, urls: string[], untilOffset?: number): Promise<void> {
  const diary: Listening = listen(pick(urls), { uid: reader.uid, lastOffset: reader.last, transports: pick(TRANSPORTS) })
  let previous = reader.last
  diary.socket.onAny((name, _data, meta) => {
    if (meta?.offset === undefined) return
    if (meta.offset <= previous) reader.faults.push(`${name} ${meta.offset} after ${previous}`)
    previous = meta.offset
    reader.offsets.push(meta.offset)
    reader.last = meta.offset
  })
  diary.socket.on("stream:ready", ({ offset }: { offset: number }) => {
    if (offset < previous) reader.faults.push(`ready at ${offset} after ${previous}`)
    reader.last = Math.max(reader.last, offset)
    previous = Math.max(previous, offset)
  })
  if (untilOffset === undefined) await Bun.sleep(Math.random() * 300)
  else await until(`reader at ${reader.last} of ${untilOffset}`, () => reader.last >= untilOffset, 10_000)
  diary.socket.close()
  reader.faults.push(...diary.errors, ...diary.gaps.map((g) => `gap ${g.from}–${g.to}`))
}

test("under continuous traffic, on two processes and all transports, with Redis lost and back, clients that come and go hear every event of theirs once and in order", async () => {
  await using own = await testStage()
  const urls = [(await own.start()).url, (await own.start()).url]
  const people = await Promise.all(
    Array.from({ length: 6 }, async () => ({ doctor: await own.doctor("Lima"), patient: await own.patient("Lima") })),
  )
  const readers: Reader[] = Array.from({ length: CLIENTS }, (_, i) => {
    const { doctor, patient } = pick(people)
    const side =
      i % 2
        ? { uid: doctor.uid, rooms: [`doctor:${doctor.doctorId}`] }
        : { uid: patient.uid, rooms: [`patient:${patient.patientId}`, "city:lima"] }
    return { ...side, offsets: [], last: 0, faults: [] }
  })
  const end = Date.now() + TRAFFIC_MS
  const writers = [1, 2].map(async () => {
    while (Date.now() < end) {
      const { doctor, patient } = pick(people)
      const event: Event =
        Math.random() < 0.1
          ? { name: "doctor:new", data: { doctorId: doctor.doctorId, city: "Lima" }, about: { city: "Lima" } }
          : appointmentUpdate({ ...doctor, patientId: patient.patientId })
      await own.pool.begin((tx) => announce(tx, ...repeat(1 + Math.floor(Math.random() * 4), () => event)))
      own.publisher.nudge()
    }
  })
  const reading = readers.map(async (reader) => {
    while (Date.now() < end) await readAWhile(reader, urls)
  })
  const outage = async () => {
    await Bun.sleep(TRAFFIC_MS / 3)
    await own.redis.kill()
    await Bun.sleep(TRAFFIC_MS / 3)
    await own.redis.start()
  }
  await Promise.all([...writers, ...reading, outage()])
  await own.publisher.sweep()
  const [{ head }] = (await own.pool`select head from event_log`) as unknown as [{ head: number }]
  await Promise.all(readers.map((reader) => readAWhile(reader, urls, head)))
  for (const reader of readers) {
    const expected = await own.pool<
      { offset: number }[]
    >`select distinct "offset" from room_events where room = any(${reader.rooms}) order by 1`
    expect(reader.faults).toEqual([])
    expect(reader.offsets).toEqual(expected.map((e) => e.offset))
  }
}, 30_000)
