/** The front desk over REST and sockets: an API and two realtime processes, boards on both. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import { type Api, startApi } from "../api/server.ts"
import { readConfig } from "../core/config.ts"
import { openLog } from "../core/log.ts"
import type { Realtime } from "../realtime/server.ts"
import { clinicOf, got, type Person, person, receptionistOf, type TestApi } from "./harness/api.ts"
import { type Listening, listen, listening, type TestStage, testStage } from "./harness/realtime.ts"
import { until } from "./harness/services.ts"

let stage: TestStage
let server: Api
let processes: [Realtime, Realtime]
let api: TestApi

beforeAll(async () => {
  stage = await testStage()
  processes = [await stage.start(), await stage.start()]
  server = startApi(readConfig(stage.settings), openLog("api", "silent"))
  await until("the API is ready", () => server.health.phase === "ready")
  api = Object.assign(stage, { url: server.url, app: server.app, person: (uid = `uid-${Bun.randomUUIDv7()}`) => person(server.url, uid) })
})
afterAll(async () => {
  await server.stop()
  await stage[Symbol.asyncDispose]()
})

test("a revoked receptionist's sockets are cut on every realtime process within a second, and let in again nowhere", async () => {
  const { clinicId, doctor } = await clinicOf(api)
  const desk = await receptionistOf(api, clinicId)
  const { data } = await got(doctor.client.receptionists.$get({ query: {} }))
  const id = data[0]?.id ?? ""
  const sockets = [
    await listening(processes[0].url, { token: desk.token }),
    await listening(processes[1].url, { token: desk.token, transports: ["polling"] }),
  ]
  const asked = performance.now()
  await got(doctor.client.receptionists[":id"].$put({ param: { id }, json: { status: "REVOKED" } }))
  await until("both are cut", () => sockets.every((s) => s.disconnects.length === 1))
  expect(performance.now() - asked).toBeLessThan(1_000)
  for (const { url } of processes) {
    const { errors } = listen(url, { token: desk.token })
    await until("it is turned away", () => errors.includes("forbidden"))
  }
})

type Move = { kind: "come" | "next" | "cancel" | "miss" | "finish" | "reorder"; which: number; priority: number }
const move: fc.Arbitrary<Move> = fc.record({
  kind: fc.constantFrom("come", "come", "come", "next", "cancel", "miss", "finish", "reorder", "reorder"),
  which: fc.nat(1_000),
  priority: fc.nat(9),
})
const MOVES = 60
/** So many of them at a time. */
const HANDS = 5

type Place = { desk: Person; doctor: Person; patients: Person[]; doctorId: string; slots: { start: string }[] }

async function make({ kind, which, priority }: Move, at: Place): Promise<void> {
  const { receptionists, appointments } = at.desk.client
  const { waiting, inProgress } = await queueOf(at.desk)
  const some = waiting[which % Math.max(waiting.length, 1)]
  const started = inProgress[0]?.appointmentId
  switch (kind) {
    case "come":
      return await come(at, which)
    // Another hand may have been faster: these may be refused.
    case "next":
      return void (await receptionists.queue.next.$post({ json: { doctorId: at.doctorId } }))
    case "cancel":
      return void (some && (await appointments[":id"].$put({ param: { id: some.appointmentId }, json: { status: "CANCELLED" } })))
    case "miss":
      return void (some && (await appointments[":id"].$put({ param: { id: some.appointmentId }, json: { status: "NO_SHOW" } })))
    case "finish":
      return void (started && (await at.doctor.client.appointments[":id"].$put({ param: { id: started }, json: { status: "COMPLETED" } })))
    case "reorder":
      return void (
        some && (await receptionists.queue[":appointmentId"].$put({ param: some, json: which % 2 ? { priority } : { position: 1 } }))
      )
  }
}

const queueOf = (desk: Person) => got(desk.client.receptionists.queue.$get({ query: {} }))

async function come({ patients, slots, doctorId, desk }: Place, which: number): Promise<void> {
  const scheduledAt = slots.shift()?.start ?? ""
  const patient = patients[which % patients.length] as Person
  const { id } = await got(patient.client.appointments.$post({ json: { doctorId, scheduledAt } }))
  for (const status of ["CONFIRMED", "WAITING"] as const)
    await got(desk.client.appointments[":id"].$put({ param: { id }, json: { status } }))
}

const last = (board: Listening, name: string, appointmentId?: string) =>
  board.heard.findLast((h) => h.name === name && (appointmentId === undefined || h.data.appointmentId === appointmentId))?.data

test.each([1, 2, 3])(
  "two boards and the waiting patients, on two processes, agree with GET /queue after random moves have settled (%d)",
  async (seed) => {
    const { doctor, doctorId, clinicId, slots } = await clinicOf(api)
    const patients = [api.person(), api.person(), api.person()]
    for (const patient of patients) await got(patient.client.patients.$post({ json: { name: "Pat" } }))
    const at: Place = { desk: await receptionistOf(api, clinicId), doctor, patients, doctorId, slots: [...slots] }
    const stranger = await clinicOf(api)
    const boards = [await listening(processes[0].url, { token: at.desk.token }), await listening(processes[1].url, { token: doctor.token })]
    const phones = await Promise.all(patients.map((p, n) => listening((processes[n % 2] as Realtime).url, { token: p.token })))
    const outside = await listening(processes[0].url, { token: stranger.doctor.token })
    const moves = fc.sample(move, { seed, numRuns: MOVES }).values()
    await Promise.all(
      Array.from({ length: HANDS }, async () => {
        for (const next of moves) await make(next, at)
      }),
    )
    for (const which of [0, 1, 2]) await come(at, which)
    await settled(clinicId, boards)
    const { waiting, inProgress } = await queueOf(at.desk)
    for (const board of boards)
      expect(last(board, "queue:update")).toEqual({ clinicId, waiting: waiting.length, inProgress: inProgress.length })
    expect(waiting.length).toBeGreaterThanOrEqual(3)
    for (const { appointmentId, position, estimatedStart } of waiting) {
      const told = phones.map((phone) => last(phone, "queue:position", appointmentId)).filter((t) => t !== undefined)
      expect(told).toEqual([{ appointmentId, position, estimatedStart: expect.any(String) }])
      // What was told is counted from then, what is read from now.
      expect(Math.abs(Date.parse(String(told[0]?.estimatedStart)) - Date.parse(estimatedStart))).toBeLessThanOrEqual(60_000)
    }
    expect(outside.heard.filter((h) => h.name.startsWith("queue:"))).toEqual([])
    for (const { socket } of [...boards, ...phones, outside]) socket.close()
  },
  30_000,
)

/** Until the boards have heard the clinic's last event of its queue, and with it all that came before. */
async function settled(clinicId: string, boards: Listening[]): Promise<void> {
  const subject = `queue:${clinicId}`
  await until("everything is published", async () => {
    const [row] = await stage.pool`select count(*) as n from events where "offset" is null`
    return row?.n === 0
  })
  const [row] = await stage.pool`select max("offset") as offset from events where subject = ${subject} and name = 'queue:update'`
  await until("the boards have heard", () => boards.every((b) => b.heard.some((h) => h.meta.offset === row?.offset)))
  await Bun.sleep(50)
}
