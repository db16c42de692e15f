import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { clinicOf, type Person, receptionistOf, type TestApi, testApi } from "../tests/harness/api.ts"

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api[Symbol.asyncDispose]())

type Clinic = Awaited<ReturnType<typeof clinicOf>> & { desk: Person }

async function clinic(): Promise<Clinic> {
  const made = await clinicOf(api)
  return { ...made, desk: await receptionistOf(api, made.clinicId) }
}

async function visit({ patient, doctorId, slots }: Clinic, slot = 0): Promise<string> {
  return (await patient.post("/appointments", { doctorId, scheduledAt: slots[slot]?.start })).body.id
}

async function payment({ patient }: Clinic, appointmentId: string, amount = 10): Promise<string> {
  return (await patient.post("/payments", { appointmentId, amount, method: "CASH" })).body.id
}

const eventsOf = (id: string) =>
  api.database.pool<{ name: string; data: Record<string, unknown>; rooms: string[] }[]>`
    select name, data, rooms from events where subject = ${`payment:${id}`} order by seq`

const statesTold = async (id: string) => (await eventsOf(id)).map((e) => e.data.status)

const row = async (id: string) =>
  (await api.database.pool`select status, paid_at as "paidAt", refunded_at as "refundedAt" from payments where id = ${id}`)[0]

describe("moving the status", () => {
  test("every legal move works and is announced once to the doctor and the desk; every other one is refused naming both states", async () => {
    const c = await clinic()
    const appointmentId = await visit(c)
    const legal: Record<string, string[]> = { PENDING: ["COMPLETED", "FAILED"], COMPLETED: ["REFUNDED"], FAILED: [], REFUNDED: [] }
    const way: Record<string, string[]> = { PENDING: [], COMPLETED: ["COMPLETED"], FAILED: ["FAILED"], REFUNDED: ["COMPLETED", "REFUNDED"] }
    for (const from of Object.keys(legal))
      for (const to of Object.keys(legal)) {
        const id = await payment(c, appointmentId, 150.5)
        for (const step of way[from] ?? []) await c.desk.put(`/payments/${id}/status`, { status: step })
        const { status, body } = await c.doctor.put(`/payments/${id}/status`, { status: to })
        if (!legal[from]?.includes(to)) {
          expect([status, body.detail.includes(from), body.detail.includes(to)]).toEqual([409, true, true])
          expect((await row(id))?.status).toBe(from)
          continue
        }
        expect([status, body.status]).toEqual([200, to])
        expect((await eventsOf(id)).at(-1)).toEqual({
          name: "payment:update",
          data: { paymentId: id, appointmentId, amount: 150.5, status: to },
          rooms: [`doctor:${c.doctorId}`, `desk:${c.clinicId}`],
        })
        expect(await statesTold(id)).toEqual([...(way[from] ?? []), to])
      }
  })

  test("paidAt is set once, when it is completed, and stays through a refund, whose time is kept beside it", async () => {
    const c = await clinic()
    const id = await payment(c, await visit(c))
    const before = Date.now() - 5
    const completed = (await c.desk.put(`/payments/${id}/status`, { status: "COMPLETED" })).body
    expect(Date.parse(completed.paidAt)).toBeGreaterThanOrEqual(before)
    expect(Date.parse(completed.paidAt)).toBeLessThanOrEqual(Date.now() + 5)
    const refunded = (await c.doctor.put(`/payments/${id}/status`, { status: "REFUNDED" })).body
    expect(refunded.paidAt).toBe(completed.paidAt)
    expect((await c.patient.get(`/payments/${id}`)).body).toEqual(refunded)
    const { paidAt, refundedAt } = (await row(id)) as { paidAt: Date; refundedAt: Date }
    expect(refundedAt.getTime()).toBeGreaterThanOrEqual(paidAt.getTime())
  })

  test("of 60 who complete or fail one payment at once, exactly one does; the rest are refused and one event is announced", async () => {
    const c = await clinic()
    const id = await payment(c, await visit(c))
    const statuses = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? "COMPLETED" : "FAILED"))
    const answers = await Promise.all(statuses.map((status) => c.doctor.put(`/payments/${id}/status`, { status })))
    expect(answers.filter((a) => a.status === 200)).toHaveLength(1)
    expect(answers.filter((a) => a.status === 409)).toHaveLength(59)
    expect(await statesTold(id)).toEqual([(await row(id))?.status])
  })

  test("a patient may not; to another doctor, patient or clinic the payment is not there; and nothing is changed", async () => {
    const c = await clinic()
    const other = await clinic()
    const id = await payment(c, await visit(c))
    expect((await c.patient.put(`/payments/${id}/status`, { status: "COMPLETED" })).status).toBe(403)
    expect((await api.person().put(`/payments/${id}/status`, { status: "COMPLETED" })).status).toBe(403)
    for (const stranger of [other.doctor, other.desk])
      expect((await stranger.put(`/payments/${id}/status`, { status: "COMPLETED" })).status).toBe(404)
    for (const stranger of [other.doctor, other.desk, other.patient]) expect((await stranger.get(`/payments/${id}`)).status).toBe(404)
    const revoked = await receptionistOf(api, c.clinicId, "REVOKED")
    expect((await revoked.put(`/payments/${id}/status`, { status: "COMPLETED" })).status).toBe(403)
    expect((await revoked.get(`/payments/${id}`)).status).toBe(403)
    expect((await row(id))?.status).toBe("PENDING")
    expect(await eventsOf(id)).toHaveLength(0)
    for (const party of [c.patient, c.doctor, c.desk]) expect((await party.get(`/payments/${id}`)).status).toBe(200)
  })
})

describe("an appointment that is called off", () => {
  test("refunds what was paid and fails what was not, with an event each; what was settled before stays", async () => {
    for (const status of ["REJECTED", "CANCELLED"]) {
      const c = await clinic()
      const appointmentId = await visit(c)
      const ids = await Promise.all(Array.from({ length: 4 }, () => payment(c, appointmentId)))
      const [pending = "", paid = "", failed = "", refunded = ""] = ids
      for (const id of [paid, refunded]) await c.desk.put(`/payments/${id}/status`, { status: "COMPLETED" })
      await c.desk.put(`/payments/${failed}/status`, { status: "FAILED" })
      await c.desk.put(`/payments/${refunded}/status`, { status: "REFUNDED" })
      const elsewhere = await payment(c, await visit(c, 1))
      expect((await c.doctor.put(`/appointments/${appointmentId}`, { status })).status).toBe(200)
      expect(await statesTold(pending)).toEqual(["FAILED"])
      expect(await statesTold(paid)).toEqual(["COMPLETED", "REFUNDED"])
      expect(await statesTold(failed)).toEqual(["FAILED"])
      expect(await statesTold(refunded)).toEqual(["COMPLETED", "REFUNDED"])
      expect(await row(paid)).toEqual({ status: "REFUNDED", paidAt: expect.any(Date), refundedAt: expect.any(Date) })
      expect((await row(elsewhere))?.status).toBe("PENDING")
    }
  })

  test("other moves leave its payments alone", async () => {
    const c = await clinic()
    const appointmentId = await visit(c)
    const id = await payment(c, appointmentId)
    for (const status of ["CONFIRMED", "NO_SHOW"]) await c.doctor.put(`/appointments/${appointmentId}`, { status })
    expect((await row(id))?.status).toBe("PENDING")
  })

  test("while payments are made, completed and refunded: none is left to be paid or kept, no call fails, and events tell each step in order", async () => {
    const c = await clinic()
    for (let round = 0; round < 6; round++) {
      const appointmentId = await visit(c, round)
      const ids = await Promise.all(Array.from({ length: 6 }, () => payment(c, appointmentId)))
      const answers = await Promise.all([
        ...ids.flatMap((id) => [
          c.desk.put(`/payments/${id}/status`, { status: "COMPLETED" }),
          c.doctor.put(`/payments/${id}/status`, { status: round % 2 === 0 ? "REFUNDED" : "FAILED" }),
        ]),
        c.patient.put(`/appointments/${appointmentId}`, { status: "CANCELLED" }),
        ...Array.from({ length: 6 }, () => c.patient.post("/payments", { appointmentId, amount: 5, method: "CASH" })),
      ])
      expect(answers.filter((a) => ![200, 201, 409].includes(a.status))).toEqual([])
      const rows = await api.database.pool<{ id: string; status: string }[]>`
        select id, status from payments where appointment_id = ${appointmentId}`
      for (const { id, status } of rows) {
        expect(["FAILED", "REFUNDED"]).toContain(status)
        expect(await statesTold(id)).toEqual(status === "FAILED" ? ["FAILED"] : ["COMPLETED", "REFUNDED"])
      }
      const made = answers.filter((a) => a.status === 201).length
      expect(rows).toHaveLength(ids.length + made)
    }
  })
})
