/** Every event there is, made to happen in the real system while everyone listens: each hears what the matrix says, and no more. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { io, type Socket } from "socket.io-client"
import { sendReminders } from "../core/appointments/clock/remind.ts"
import { mintDevelopmentToken } from "../core/auth/development.ts"
import { room } from "../core/events/audience.ts"
import { type EventName, internal, payloads } from "../core/events/catalog.ts"
import { announce } from "../core/events/log.ts"
import { doctorInput, type Person, PROJECT, person, type TestApi } from "../tests/harness/api.ts"
import { type Cast, castOf, type RoleName, visit } from "../tests/harness/cast.ts"
import { until } from "../tests/harness/services.ts"
import { type TestSystem, testSystem } from "../tests/harness/system.ts"

/**
 * What happens at one clinic in New York, and who hears it: `x`. The patient and the stranger live there; `away` lives in Boston,
 * `cityless` has not said where. Internal events are nobody's.
 */
const MATRIX = `
event                 newcomer patient stranger away cityless doctor colleague elsewhere desk desk2 pending
appointment:new              .       .        .    .        .      x         .         .    x     .       .
appointment:update           .       x        .    .        .      x         .         .    x     .       .
payment:update               .       .        .    .        .      x         .         .    x     .       .
queue:update                 .       .        .    .        .      x         x         .    x     .       .
queue:position               .       x        .    .        .      .         .         .    .     .       .
appointment:reminder         .       x        .    .        .      .         .         .    .     .       .
analytics:update             .       .        .    .        .      x         .         .    .     .       .
doctor:new                   .       x        x    .        .      .         .         .    .     .       .
appointment:moved            .       .        .    .        .      .         .         .    .     .       .
doctor:changed               .       .        .    .        .      .         .         .    .     .       .
doctors:imported             .       .        .    .        .      .         .         .    .     .       .
access:changed               .       .        .    .        .      .         .         .    .     .       .
`
const [head = "", ...lines] = MATRIX.trim().split("\n")
const LISTENERS = head.split(/\s+/).slice(1)
const ROWS = new Map(lines.map((line) => [line.split(/\s+/)[0] as EventName, line.split(/\s+/).slice(1)]))
const mayHear = (listener: string, name: EventName) => ROWS.get(name)?.[LISTENERS.indexOf(listener)] === "x"

const TRANSPORTS = ["websocket", "polling"]
/** Longer than an event takes to whoever it is for: by then it has also come to whom it must not. */
const QUIET_MS = 1_500
const HOUR_MS = 3_600_000

let system: TestSystem
let api: TestApi
let cast: Cast
const people = new Map<string, Person>()
beforeAll(async () => {
  system = await testSystem()
  api = { ...system, person: (uid = `uid-${Bun.randomUUIDv7()}`) => person(system.url, uid) }
  cast = await castOf(api)
  const [away, cityless] = [api.person(), api.person()]
  await away.post("/patients", { name: "Abe Away", city: "Boston" })
  await cityless.post("/patients", { name: "Cal Cityless" })
  for (const name of LISTENERS) people.set(name, cast.of(name as RoleName))
  people.set("away", away).set("cityless", cityless)
  await untilHeard()
}, 60_000)
afterAll(() => system[Symbol.asyncDispose]())

type Logged = { offset: number; id: string; name: EventName; data: unknown }
const logged = (after: number) => api.database.pool<Logged[]>`
  select "offset", id, name, data from events where "offset" > ${after} order by "offset"`

/** Until the worker has nothing left to do that it would announce. Returns the log's head. */
async function untilHeard(): Promise<number> {
  await until(
    "all that follows has followed",
    async () => {
      const [row] = await api.database.pool`
        select not exists (select from events where "offset" is null) and not exists (select from rollups_due)
          and (select "offset" from work_cursor) = (select head from event_log) as settled`
      return row?.settled
    },
    20_000,
  )
  const [log] = await api.database.pool`select head from event_log`
  return log?.head
}

type Ear = {
  name: string
  socket: Socket
  heard: { id: string; offset: number; name: string; data: unknown }[]
  said: string[]
  lost: string[]
}

function ear(name: string, token: string, transport: string, auth: object = {}): Ear {
  const socket = io(`${system.url}/notifications`, {
    auth: { token, ...auth },
    transports: [transport],
    forceNew: true,
    reconnection: false,
  })
  const it: Ear = { name: `${name} (${transport})`, socket, heard: [], said: [], lost: [] }
  socket.onAny((event: string, data, meta) => {
    if (meta) it.heard.push({ id: meta.id, offset: meta.offset, name: event, data })
    else it.said.push(event)
  })
  socket.on("connect_error", (error) => it.lost.push(error.message))
  socket.on("disconnect", (reason) => it.lost.push(reason))
  return it
}

const ready = (ears: Ear[]) => until("all are caught up", () => ears.every((e) => e.said.includes("stream:ready")), 15_000)
const close = (ears: Ear[]) => {
  for (const { socket } of ears) socket.disconnect()
}

/** Every kind of room, and those of it that have any meaning here. */
const ROOMS: Record<keyof typeof room, () => string[]> = {
  doctor: () => [cast.doctorId, cast.otherDoctorId].map((id) => `doctor:${id}`),
  patient: () => [cast.patientId, cast.strangerId].map((id) => `patient:${id}`),
  desk: () => [cast.clinicId, cast.otherClinicId].map((id) => `desk:${id}`),
  clinicDoctors: () => [cast.clinicId, cast.otherClinicId].map((id) => `clinic-doctors:${id}`),
  city: () => ["city:new york", "city:boston"],
}
const rooms = () => Object.values(ROOMS).flatMap((those) => those())

/** What clients of other systems send to be let into a room. None of it is anything here. */
function tryToGetIn({ socket }: Ear): void {
  for (const event of ["join", "joinRoom", "join_room", "subscribe", "room", "enter", "appointment:new", "access:changed", "stream:ready"])
    for (const room of rooms())
      for (const payload of [[room], [{ room }], [[room]], [{ rooms: [room], clinicId: cast.clinicId, doctorId: cast.doctorId }]])
        socket.emit(event, ...payload, () => {})
}

/** Each event of the catalog, at the doctor's clinic. */
async function happen(): Promise<void> {
  const [doctor, patient, desk] = (["doctor", "patient", "desk"] as const).map((role) => cast.of(role)) as [Person, Person, Person]
  const id = await visit(cast, "CONFIRMED", "WAITING")
  await patient.post("/payments", { appointmentId: id, amount: 20, method: "CASH" })
  const { body: paid } = await desk.post("/payments", { appointmentId: id, amount: 30, method: "CASH" })
  await doctor.put(`/payments/${paid.id}/status`, { status: "COMPLETED" })
  await doctor.post("/receptionists/queue/next", { doctorId: cast.doctorId })
  await doctor.put(`/appointments/${id}`, { status: "COMPLETED" })
  const moving = await visit(cast)
  await patient.put(`/appointments/${moving}`, { scheduledAt: cast.slot() })
  const reminded = await visit(cast, "CONFIRMED")
  const { body } = await patient.get(`/appointments/${reminded}`)
  expect(await sendReminders(api.database.pool, Date.parse(body.scheduledAt) - 20 * HOUR_MS)).toBeGreaterThan(0)
  await doctor.patch("/doctors/me", { consultationFee: 175 })
  await announce(api.database.pool, { name: "doctors:imported", data: { count: 1 }, about: {} })
  await api.person().post("/doctors", { ...doctorInput, name: "Dr. Dee New", clinicName: "New Clinic" })
}

test("every event of the catalog has a row", () => {
  expect([...ROWS.keys()].toSorted()).toEqual([...Object.keys(payloads), ...Object.keys(internal)].toSorted() as EventName[])
  for (const [name, cells] of ROWS) expect([name, cells.length]).toEqual([name, LISTENERS.length])
})

test("every kind of room there is, is asked for by its name", () => {
  expect(Object.keys(ROOMS).toSorted()).toEqual(Object.keys(room).toSorted())
  for (const [kind, those] of Object.entries(ROOMS))
    for (const name of those()) expect(room[kind as keyof typeof room](name.slice(name.indexOf(":") + 1))).toBe(name)
})

test("each hears of each event exactly what is theirs, by websocket and by polling, live and replayed, whatever they ask for", async () => {
  const start = await untilHeard()
  const pretence = { rooms: rooms(), room: rooms()[0], role: "DOCTOR", uid: cast.of("doctor").uid, clinicId: cast.clinicId }
  const everyone = (auth: object) =>
    [...people].flatMap(([name, who]) => TRANSPORTS.map((transport) => ear(name, who.token, transport, { ...pretence, ...auth })))
  const live = everyone({})
  await ready(live)
  for (const one of live) tryToGetIn(one)
  await happen()
  await untilHeard()
  await Bun.sleep(QUIET_MS)
  const log = await logged(start)
  expect([...new Set(log.map((e) => e.name))].toSorted()).toEqual([...ROWS.keys()].toSorted())
  const replayed = everyone({ lastOffset: start })
  await ready(replayed)
  await Bun.sleep(QUIET_MS)
  for (const { name, heard, said, lost } of [...live, ...replayed]) {
    const theirs = log.filter((e) => mayHear(name.split(" ")[0] as string, e.name))
    expect([name, heard.map((h) => `${h.offset} ${h.name}`)]).toEqual([name, theirs.map((e) => `${e.offset} ${e.name}`)])
    expect([name, heard]).toEqual([name, theirs.map(({ id, offset, name, data }) => ({ id, offset, name, data }))])
    expect([name, said, lost]).toEqual([name, ["stream:ready"], []])
  }
  close([...live, ...replayed])
}, 60_000)

test("a receptionist whom the clinic has turned away, and whoever has no good token, is let in nowhere", async () => {
  const expired = mintDevelopmentToken({ projectId: PROJECT, uid: cast.of("doctor").uid, expiresInSeconds: -10 })
  const foreign = mintDevelopmentToken({ projectId: "another", uid: cast.of("doctor").uid, expiresInSeconds: 3600 })
  for (const transport of TRANSPORTS)
    for (const [token, message] of [
      [cast.of("rejected").token, "forbidden"],
      [cast.of("revoked").token, "forbidden"],
      [expired, "unauthorized"],
      [foreign, "unauthorized"],
      [`${cast.of("doctor").token}x`, "unauthorized"],
      ["", "unauthorized"],
    ]) {
      const someone = ear("someone", token as string, transport)
      await until("they are refused", () => someone.lost.length > 0)
      expect([someone.lost, someone.heard, someone.said]).toEqual([[message as string], [], []])
      close([someone])
    }
})

test("there is no other namespace, whatever it is called, and nothing is heard in one", async () => {
  const { token } = cast.of("doctor")
  for (const transport of TRANSPORTS)
    for (const name of [
      "/",
      "/admin",
      "/events",
      `/doctor:${cast.doctorId}`,
      "/notifications/",
      "/Notifications",
      "/__proto__",
      "/constructor",
    ]) {
      const socket = io(`${system.url}${name}`, { auth: { token }, transports: [transport], forceNew: true, reconnection: false })
      const refused = Promise.withResolvers<string>()
      socket.on("connect_error", (error) => refused.resolve(error.message))
      socket.on("connect", () => refused.resolve("connected"))
      expect([name, await refused.promise]).toEqual([name, name === "/" ? "unauthorized" : "Invalid namespace"])
      socket.disconnect()
    }
})

/** A patient of New York, who will move; a doctor of the clinic, who will join another; a receptionist, whom the clinic will revoke. */
async function leavers() {
  const [mover, joiner, leaving] = [api.person(), api.person(), api.person()]
  await mover.post("/patients", { name: "Mo Mover", city: "New York" })
  const { clinicName, clinicAddress, city, clinicLatitude, clinicLongitude, ...practice } = doctorInput
  const joined = { clinicId: cast.clinicId, clinicVerificationCode: cast.code }
  await joiner.post("/doctors", { ...practice, name: "Dr. Jo Joiner", ...joined })
  const { body: link } = await leaving.post("/receptionists", { clinicId: cast.clinicId, verificationCode: cast.code })
  return { mover, joiner, leaving, linkId: link.id as string }
}

/** No call lets a doctor change clinics: it is done by whoever runs the system, and told as any change of access is. */
async function moveDoctor(uid: string): Promise<void> {
  await api.database.pool.begin(async (tx) => {
    await tx`update doctors set clinic_id = ${cast.otherClinicId} where uid = ${uid}`
    await announce(tx, { name: "access:changed", data: { uid }, about: { uid } })
  })
}

test("whose token expires, whom the clinic revokes and who moves, to another city or clinic, hears of nothing more that is no longer theirs", async () => {
  const [doctor, elsewhere] = [cast.of("doctor"), cast.of("elsewhere")]
  const { mover, joiner, leaving, linkId } = await leavers()
  const beginning = await untilHeard()
  const short = mintDevelopmentToken({ projectId: PROJECT, uid: doctor.uid, expiresInSeconds: 4 })
  const ears = TRANSPORTS.map((transport) => ({
    expiring: ear("expiring", short, transport),
    leaving: ear("leaving", leaving.token, transport),
    moving: ear("moving", mover.token, transport),
    joining: ear("joining", joiner.token, transport),
  }))
  const all = ears.flatMap((e) => Object.values(e))
  await ready(all)
  await visit(cast, "CONFIRMED", "WAITING")
  await api.person().post("/doctors", { ...doctorInput, name: "Dr. Fi First" })
  await until("all have heard of what is theirs", () => all.every((e) => e.heard.length > 0))
  await until("the token has expired", () => ears.every((e) => e.expiring.said.includes("auth:expired")), 10_000)
  // Another person's token renews nothing.
  for (const { expiring } of ears) expect((await expiring.socket.emitWithAck("auth:refresh", { token: elsewhere.token })).ok).toBe(false)
  await doctor.put(`/receptionists/${linkId}`, { status: "REVOKED" })
  await until("the revoked are cut", () => ears.every((e) => e.leaving.lost.length > 0))
  await mover.patch("/patients/me", { city: "Boston" })
  await moveDoctor(joiner.uid)
  const others = ears.flatMap((e) => [e.moving, e.joining])
  await until("the movers are in other rooms", () => others.every((e) => e.said.filter((s) => s === "stream:ready").length === 2))
  const start = await untilHeard()
  const before = new Map(all.map((e) => [e, [e.heard.length, e.said.length]]))
  await happen()
  const { id: bostons } = (await api.person().post("/doctors", { ...doctorInput, clinicName: "Bay Clinic", city: "Boston" })).body
  await untilHeard()
  await Bun.sleep(QUIET_MS)
  // All there is has happened meanwhile, at the clinic and in the city that they have left.
  expect([...new Set((await logged(start)).map((e) => e.name))].toSorted()).toEqual([...ROWS.keys()].toSorted())
  const theirs = (of: Ear) => (of.name.startsWith("moving") ? [["doctor:new", { doctorId: bostons, city: "Boston" }]] : [])
  for (const one of all) {
    const [heard = 0, said = 0] = before.get(one) ?? []
    expect([one.name, one.heard.slice(heard).map((e) => [e.name, e.data])]).toEqual([one.name, theirs(one)])
    expect([one.name, one.said.slice(said)]).toEqual([one.name, []])
  }
  // What a replay tells, too, is what is theirs now, however long ago it was.
  const replayed = TRANSPORTS.flatMap((transport) =>
    [mover, joiner].map((who, i) => ear(["moving", "joining"][i] as string, who.token, transport, { lastOffset: beginning })),
  )
  await ready(replayed)
  for (const one of replayed) expect([one.name, one.heard.map((e) => [e.name, e.data])]).toEqual([one.name, theirs(one)])
  close([...all, ...replayed])
}, 60_000)
