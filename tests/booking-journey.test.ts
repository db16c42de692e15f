import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import io from "socket.io-client"
import { doctorInput, got, type Person, person } from "./harness/api.ts"
import { until } from "./harness/services.ts"
import { listen, type TestSystem, testSystem } from "./harness/system.ts"

let system: TestSystem
beforeAll(async () => {
  system = await testSystem()
}, 30_000)
afterAll(() => system[Symbol.asyncDispose]())

const someone = () => person(system.url, `uid-${Bun.randomUUIDv7()}`)

async function clinic(city = `City ${Bun.randomUUIDv7()}`) {
  const doctor = someone()
  const patient = someone()
  const { id: doctorId, clinicId } = await got(doctor.client.doctors.$post({ json: { ...doctorInput, city } }))
  await got(patient.client.patients.$post({ json: { name: "Pat Jones", city } }))
  await until("the patient finds the doctor", async () => {
    const near = await got(patient.client.doctors.search.$get({ query: { latitude: "40.7", longitude: "-74", city } }))
    return near.data.some((d) => d.id === doctorId)
  })
  const date = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 10)
  const { slots } = await got(patient.client.doctors[":id"].availability.$get({ param: { id: doctorId }, query: { date } }))
  return { city, doctor, patient, doctorId, clinicId, slots }
}

const book = (patient: Person, doctorId: string, slot?: { start: string }, reason?: string) =>
  got(patient.client.appointments.$post({ json: { doctorId, scheduledAt: slot?.start ?? "", reason } }))

describe.each([["websocket"], ["polling"]])("through the public port, by %s", (transport) => {
  test("a patient books, the doctor hears of it; the doctor accepts, and both hear of that, with exact payloads and growing offsets", async () => {
    const { doctor, patient, doctorId, slots } = await clinic()
    await using doctorSide = await listen(system.url, doctor.token, { transports: [transport] })
    await using patientSide = await listen(system.url, patient.token, { transports: [transport] })
    const booked = await book(patient, doctorId, slots[0], "General checkup")
    // The doctor also hears that figures changed, whenever those are computed.
    const ofVisits = () => doctorSide.heard.filter((h) => h.name.startsWith("appointment:"))
    await until("the doctor hears of the booking", () => ofVisits().length === 1)
    await got(doctor.client.appointments[":id"].$put({ param: { id: booked.id }, json: { status: "CONFIRMED" } }))
    await until("both hear of the answer", () => ofVisits().length === 2 && patientSide.heard.length === 1)
    expect(ofVisits()[0]).toEqual({
      name: "appointment:new",
      data: { appointmentId: booked.id, patientName: "Pat Jones", scheduledAt: booked.scheduledAt, reason: "General checkup" },
      meta: {
        id: expect.any(String),
        offset: expect.any(Number),
        occurredAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
      },
    })
    const answer = {
      name: "appointment:update",
      data: { appointmentId: booked.id, status: "CONFIRMED", scheduledAt: booked.scheduledAt },
      meta: expect.anything(),
    }
    expect(ofVisits()[1]).toEqual(answer)
    expect(patientSide.heard[0]).toEqual(answer)
    expect(ofVisits()[1]?.meta.offset).toBeGreaterThan(ofVisits()[0]?.meta.offset as number)
  })

  test("patients of the same city hear of a new doctor, however the city is written, and nobody else does", async () => {
    const { city, doctor, patient } = await clinic()
    const elsewhere = someone()
    await got(elsewhere.client.patients.$post({ json: { name: "Far Away", city: "Elsewhere" } }))
    await using near = await listen(system.url, patient.token, { transports: [transport] })
    await using far = await listen(system.url, elsewhere.token, { transports: [transport] })
    await using colleague = await listen(system.url, doctor.token, { transports: [transport] })
    await using newcomer = await listen(system.url, someone().token, { transports: [transport] })
    const { id } = await got(someone().client.doctors.$post({ json: { ...doctorInput, city: city.toUpperCase() } }))
    await until("the neighbour hears", () => near.heard.length > 0)
    expect(near.named("doctor:new")).toEqual([{ doctorId: id, city: city.toUpperCase() }])
    // What comes after it through the same pipe has come, so nothing of it is still on its way.
    await got(someone().client.doctors.$post({ json: { ...doctorInput, city: "Elsewhere" } }))
    await until("the far patient hears of their own city", () => far.heard.length > 0)
    expect([far.heard.length, colleague.heard.length, newcomer.heard.length]).toEqual([1, 0, 0])
  })

  test("a client that comes back with the last offset it saw gets exactly what it missed", async () => {
    const { doctor, patient, doctorId, slots } = await clinic()
    const first = await listen(system.url, doctor.token, { transports: [transport] })
    const lastOffset = first.ready[0] as number
    await first[Symbol.asyncDispose]()
    for (const slot of slots.slice(0, 3)) await book(patient, doctorId, slot)
    await using again = await listen(system.url, doctor.token, { transports: [transport], lastOffset })
    await until("what was missed has come", () => again.named("appointment:new").length >= 3)
    expect(again.named("appointment:new").map((d) => d.scheduledAt)).toEqual(slots.slice(0, 3).map((s) => s.start))
  })

  test("a token that is missing or forged is refused as unauthorized", async () => {
    for (const auth of [{}, { token: "nonsense" }, { token: `${someone().token}x` }]) {
      const socket = io(`${system.url}/notifications`, { auth, transports: [transport], forceNew: true, reconnection: false })
      const refused = Promise.withResolvers<Error>()
      socket.on("connect_error", refused.resolve)
      expect((await refused.promise).message).toBe("unauthorized")
      socket.disconnect()
    }
  })
})

test.each([[undefined], [["websocket"]], [["polling"]]])(
  "the promise's own client works unchanged but for address and token, transports %p",
  async (transports) => {
    const { doctor, patient, doctorId, slots } = await clinic()
    const socket = io(`${system.url}/notifications`, {
      auth: {
        token: doctor.token,
      },
      ...(transports ? { transports } : {}),
    })
    const heard = Promise.withResolvers<{ appointmentId: string }>()
    socket.on("appointment:new", (data) => heard.resolve(data))
    await until("connected", () => socket.connected)
    const { id } = await book(patient, doctorId, slots[0])
    expect((await heard.promise).appointmentId).toBe(id)
    socket.disconnect()
  },
)

describe("processes that die", () => {
  test("an API killed between commit and publish loses nothing: the worker publishes what it committed", async () => {
    const { doctor, patient, doctorId, slots } = await clinic()
    await using doctorSide = await listen(system.url, doctor.token)
    // Every offset comes from this row: while the test holds it, committed events wait and nobody can publish them.
    const held = await system.database.pool.reserve()
    await held`begin`
    await held`select from event_log for update`
    const { id } = await book(patient, doctorId, slots[0])
    await system.kill("api")
    await held`rollback`
    held.release()
    await system.start("api")
    await until("the doctor hears of it", () => doctorSide.named("appointment:new").some((d) => d.appointmentId === id), 10_000)
  }, 30_000)

  test("a realtime process killed before it emits what is on the stream loses nothing: clients come back and get it, in order and once", async () => {
    const { doctor, patient, doctorId, slots } = await clinic()
    await using bySocket = await listen(system.url, doctor.token, { transports: ["websocket"] })
    await using byPolling = await listen(system.url, doctor.token, { transports: ["polling"] })
    for (const [round, slot] of slots.slice(0, 6).entries()) {
      // Frozen, the process reads nothing; killed, it never will. In other rounds it dies in the middle of its work.
      if (round % 2 === 0) system.signal("realtime", "SIGSTOP")
      await book(patient, doctorId, slot)
      await system.kill("realtime")
      await system.start("realtime")
    }
    const expected = slots.slice(0, 6).map((s) => s.start)
    for (const side of [bySocket, byPolling]) {
      await until("everything has come", () => side.named("appointment:new").length >= expected.length, 15_000)
      expect(side.named("appointment:new").map((d) => d.scheduledAt)).toEqual(expected)
      expect(side.heard.map((h) => h.meta.offset)).toEqual([...new Set(side.heard.map((h) => h.meta.offset))].sort((a, b) => a - b))
    }
  }, 60_000)
})
