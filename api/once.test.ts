import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { clinicOf, type TestApi, testApi } from "../tests/harness/api.ts"
import { digestOf } from "./once.ts"

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api[Symbol.asyncDispose]())

const key = (value: string = Bun.randomUUIDv7()) => ({ "idempotency-key": value })
async function countOf(doctorId: string) {
  const [row] = await api.database.pool`
    select (select count(*) from appointments where doctor_id = ${doctorId}) as appointments,
      (select count(*) from events where name = 'appointment:new' and rooms @> ${[`doctor:${doctorId}`]}) as events`
  return row
}

describe("a booking under a key", () => {
  test("that is sent again gets its first answer, not its own slot's refusal, and books once", async () => {
    const { patient, doctorId, slots } = await clinicOf(api)
    const input = { doctorId, scheduledAt: slots[0]?.start, reason: "Once" }
    const headers = key()
    const first = await patient.post("/appointments", input, headers)
    const again = await patient.post("/appointments", input, headers)
    expect([first.status, first.headers.get("idempotency-replayed")]).toEqual([201, null])
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([201, "true"])
    expect(again.body).toEqual(first.body)
    expect(first.body).toEqual((await patient.get(`/appointments/${first.body.id}`)).body)
    expect(await countOf(doctorId)).toEqual({ appointments: 1, events: 1 })
  })

  test("gets its first answer also after the appointment or the doctor has changed", async () => {
    const { doctor, patient, doctorId, slots } = await clinicOf(api)
    const input = { doctorId, scheduledAt: slots[0]?.start }
    const headers = key()
    const first = await patient.post("/appointments", input, headers)
    await patient.put(`/appointments/${first.body.id}`, { status: "CANCELLED" })
    await doctor.patch("/doctors/me", { active: false })
    const again = await patient.post("/appointments", input, headers)
    expect([again.status, again.body]).toEqual([201, first.body])
  })

  test("with another body is refused, naming the key, and books nothing", async () => {
    const { patient, doctorId, slots } = await clinicOf(api)
    const headers = key()
    await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start }, headers)
    const other = await patient.post("/appointments", { doctorId, scheduledAt: slots[1]?.start }, headers)
    expect([other.status, other.body.errors[0].path]).toEqual([422, "Idempotency-Key"])
    expect(await countOf(doctorId)).toEqual({ appointments: 1, events: 1 })
  })

  test("that was refused may be tried again under the same key", async () => {
    const { patient, doctorId, slots } = await clinicOf(api)
    const headers = key()
    const taken = (await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start })).body
    const input = { doctorId, scheduledAt: slots[0]?.start }
    expect((await patient.post("/appointments", input, headers)).status).toBe(409)
    await patient.put(`/appointments/${taken.id}`, { status: "CANCELLED" })
    expect((await patient.post("/appointments", input, headers)).status).toBe(201)
  })

  test("sent a hundred times at once books once: every answer is the first one or says that it is in flight", async () => {
    const { patient, doctorId, slots } = await clinicOf(api)
    const headers = key()
    const input = { doctorId, scheduledAt: slots[0]?.start }
    const answers = await Promise.all(Array.from({ length: 100 }, () => patient.post("/appointments", input, headers)))
    const booked = answers.filter((a) => a.status === 201)
    expect(new Set(booked.map((a) => a.body.id)).size).toBe(1)
    expect(booked.filter((a) => a.headers.get("idempotency-replayed") === null)).toHaveLength(1)
    expect(answers.filter((a) => a.status !== 201).every((a) => a.status === 409 && a.body.detail.includes("in flight"))).toBe(true)
    expect(await countOf(doctorId)).toEqual({ appointments: 1, events: 1 })
  })

  test("of two different slots asked for at once under one key, one is booked", async () => {
    const { patient, doctorId, slots } = await clinicOf(api)
    for (const n of [0, 2, 4, 6, 8]) {
      const headers = key()
      const answers = await Promise.all(
        [n, n + 1].map((i) => patient.post("/appointments", { doctorId, scheduledAt: slots[i]?.start }, headers)),
      )
      expect(answers.filter((a) => a.status === 201)).toHaveLength(1)
      expect(answers.every((a) => [201, 409, 422].includes(a.status))).toBe(true)
    }
    expect(await countOf(doctorId)).toEqual({ appointments: 5, events: 5 })
  })

  test("is the caller's own: another's same key is another key", async () => {
    const one = await clinicOf(api)
    const other = await clinicOf(api)
    const headers = key()
    expect((await one.patient.post("/appointments", { doctorId: one.doctorId, scheduledAt: one.slots[0]?.start }, headers)).status).toBe(
      201,
    )
    const second = await other.patient.post("/appointments", { doctorId: one.doctorId, scheduledAt: one.slots[1]?.start }, headers)
    expect([second.status, second.headers.get("idempotency-replayed")]).toEqual([201, null])
  })

  test("is new again after a day", async () => {
    const { patient, doctorId, slots } = await clinicOf(api)
    const headers = key()
    const input = { doctorId, scheduledAt: slots[0]?.start }
    const first = (await patient.post("/appointments", input, headers)).body
    await patient.put(`/appointments/${first.id}`, { status: "CANCELLED" })
    await api.database
      .pool`update idempotency_keys set created_at = now() - interval '25 hours' where key = ${digestOf(headers["idempotency-key"])}`
    const later = await patient.post("/appointments", input, headers)
    expect([later.status, later.headers.get("idempotency-replayed")]).toEqual([201, null])
    expect(later.body.id).not.toBe(first.id)
  })

  test("whose key is empty or too long is 400, and books nothing", async () => {
    const { patient, doctorId, slots } = await clinicOf(api)
    const input = { doctorId, scheduledAt: slots[0]?.start }
    for (const bad of ["", "k".repeat(256)]) {
      const refused = await patient.post("/appointments", input, key(bad))
      expect([bad.length, refused.status, refused.body.errors?.[0].path]).toEqual([bad.length, 400, "Idempotency-Key"])
    }
    expect(await countOf(doctorId)).toEqual({ appointments: 0, events: 0 })
    expect((await patient.post("/appointments", input, key("k".repeat(255)))).status).toBe(201)
  })
})
