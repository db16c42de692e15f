import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readConfig } from "../core/config.ts"
import { openCard } from "../core/payments/envelope.ts"
import { findSealed } from "../core/payments/queries.ts"
import { clinicOf, doctorInput, receptionistOf, type TestApi, testApi } from "../tests/harness/api.ts"
import { digestOf } from "./once.ts"

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api[Symbol.asyncDispose]())

const NUMBER = "4242 4242 4242 4242"
const card = { number: NUMBER, expMonth: 12, expYear: 2090, holder: "Pat Jones" }

async function clinicWithVisit() {
  const clinic = await clinicOf(api)
  const { body } = await clinic.patient.post("/appointments", { doctorId: clinic.doctorId, scheduledAt: clinic.slots[0]?.start })
  return { ...clinic, appointmentId: body.id as string, desk: await receptionistOf(api, clinic.clinicId) }
}

const count = async () => (await api.database.pool`select count(*) as payments from payments`)[0]?.payments

describe("making a payment", () => {
  test("by card: what is shown of the card is answered and kept, the number only sealed", async () => {
    const { patient, appointmentId } = await clinicWithVisit()
    const { status, body } = await patient.post("/payments", { appointmentId, amount: 150.25, method: "CARD", card })
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.any(String),
      appointmentId,
      amount: 150.25,
      currency: "USD",
      status: "PENDING",
      method: "CARD",
      card: { brand: "visa", last4: "4242", expMonth: 12, expYear: 2090 },
      paidAt: null,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    })
    expect((await patient.get(`/payments/${body.id}`)).body).toEqual(body)
    const sealed = await findSealed(api.database.pool, body.id)
    const { paymentKeys } = readConfig({ DATABASE_URL: api.database.url, REDIS_HOST: "unused" })
    expect(sealed && openCard(paymentKeys, body.id, sealed)).toEqual({ number: "4242424242424242", holder: "Pat Jones" })
  })

  test("in cash or by insurance there is no card, and making one announces nothing", async () => {
    const { doctor, desk, appointmentId } = await clinicWithVisit()
    for (const [who, method] of [
      [doctor, "CASH"],
      [desk, "INSURANCE"],
    ] as const) {
      const { status, body } = await who.post("/payments", { appointmentId, amount: 10, currency: "USD", method })
      expect([status, body.method, "card" in body]).toEqual([201, method, false])
      const events = await api.database.pool`select from events where subject = ${`payment:${body.id}`}`
      expect(events).toHaveLength(0)
    }
  })

  test("amounts keep to the decimals of the doctor's currency and come back to the digit", async () => {
    for (const [currency, good, bad] of [
      ["USD", 1_000_000, 0.015],
      ["JPY", 3_000, 3_000.5],
      ["KWD", 10.555, 10.5555],
      ["USD", 0.01, 0.001],
    ] as const) {
      const [doctor, patient] = [api.person(), api.person()]
      const { id: doctorId } = (await doctor.post("/doctors", { ...doctorInput, consultationFee: 1, currency })).body
      const { id: patientId } = (await patient.post("/patients", { name: "Pat" })).body
      const input = { doctorId, patientId, method: "CASH" }
      const { status, body } = await patient.post("/payments", { ...input, amount: good })
      expect([status, body.amount, body.currency]).toEqual([201, good, currency])
      expect((await patient.get(`/payments/${body.id}`)).body.amount).toBe(good)
      for (const given of [undefined, currency]) {
        const refused = await patient.post("/payments", { ...input, amount: bad, currency: given })
        expect([refused.status, refused.body.errors[0].path]).toEqual([422, "amount"])
      }
      const foreign = await patient.post("/payments", { ...input, amount: 1, currency: "EUR" })
      expect([foreign.status, foreign.body.errors[0].path]).toEqual([422, "currency"])
    }
  })

  test("for an appointment that was rejected or cancelled it is refused", async () => {
    for (const status of ["REJECTED", "CANCELLED"]) {
      const { doctor, patient, appointmentId } = await clinicWithVisit()
      await doctor.put(`/appointments/${appointmentId}`, { status })
      const before = await count()
      const answer = await patient.post("/payments", { appointmentId, amount: 10, method: "CASH" })
      expect([answer.status, answer.body.detail.includes(status)]).toEqual([409, true])
      expect(await count()).toBe(before)
    }
  })

  test("the retry of a call gets its first answer; the key with another amount or another card is refused, though all but digits agree", async () => {
    const { patient, appointmentId } = await clinicWithVisit()
    const input = { appointmentId, amount: 10, method: "CARD", card }
    const key = { "idempotency-key": Bun.randomUUIDv7() }
    const first = await patient.post("/payments", input, key)
    const again = await patient.post("/payments", { ...input, card: { ...card, number: "4242-4242-4242-4242" } }, key)
    expect([again.status, again.headers.get("idempotency-replayed"), again.body]).toEqual([201, "true", first.body])
    const sameFace = { ...card, number: "4000000000024242" }
    const other = [{ amount: 11 }, { card: sameFace }, { card: { ...card, holder: "Jo" } }, { card: { ...card, expMonth: 11 } }]
    for (const change of other) {
      const refused = await patient.post("/payments", { ...input, ...change }, key)
      expect([refused.status, refused.body.errors[0].path]).toEqual([422, "Idempotency-Key"])
    }
    expect((await patient.get("/payments")).body.data).toHaveLength(1)
    const kept = await api.database.pool<
      { digest: string }[]
    >`select body_digest as digest from idempotency_keys where key = ${digestOf(key["idempotency-key"])}`
    const guess = (number: string) =>
      new Bun.CryptoHasher("sha256").update(JSON.stringify({ ...input, card: { ...card, number } })).digest("base64url")
    for (const number of [NUMBER, NUMBER.replaceAll(" ", "")]) expect(kept[0]?.digest).not.toBe(guess(number))
  })
})

describe("who may pay and take money", () => {
  test("to all but its parties an appointment is not there; a receptionist who is not active and a newcomer are refused", async () => {
    const { clinicId, appointmentId } = await clinicWithVisit()
    const other = await clinicWithVisit()
    const input = { appointmentId, amount: 10, method: "CASH" }
    const before = await count()
    for (const stranger of [other.patient, other.doctor, other.desk]) expect((await stranger.post("/payments", input)).status).toBe(404)
    for (const status of ["PENDING", "REJECTED", "REVOKED"])
      expect((await (await receptionistOf(api, clinicId, status)).post("/payments", input)).status).toBe(403)
    expect((await api.person().post("/payments", input)).status).toBe(403)
    expect((await other.patient.post("/payments", { ...input, appointmentId: Bun.randomUUIDv7() })).status).toBe(404)
    expect(await count()).toBe(before)
  })

  test("without an appointment: a patient for themselves, a doctor and a desk from patients whom they know", async () => {
    const { doctor, patient, desk, doctorId, patientId, clinicId } = await clinicWithVisit()
    const stranger = await clinicWithVisit()
    const colleague = api.person()
    const join = { clinicId, clinicVerificationCode: (await doctor.get("/me")).body.doctor.clinicVerificationCode }
    const { clinicName, clinicAddress, city, clinicLatitude, clinicLongitude, ...practice } = doctorInput
    const { id: colleagueId } = (await colleague.post("/doctors", { ...practice, ...join })).body
    const walkIn = (await desk.post("/patients", { name: "Wal Kin", walkIn: true })).body
    const pay = async (who: typeof doctor, doctor_: string, patient_: string) =>
      (await who.post("/payments", { doctorId: doctor_, patientId: patient_, amount: 10, method: "CASH" })).status
    const before = await count()
    expect(await pay(patient, doctorId, stranger.patientId)).toBe(403)
    expect(await pay(patient, Bun.randomUUIDv7(), patientId)).toBe(404)
    expect(await pay(doctor, colleagueId, patientId)).toBe(403)
    expect(await pay(doctor, doctorId, stranger.patientId)).toBe(404)
    expect(await pay(doctor, doctorId, walkIn.id)).toBe(404)
    expect(await pay(colleague, colleagueId, patientId)).toBe(404)
    expect(await pay(desk, stranger.doctorId, patientId)).toBe(404)
    expect(await pay(desk, doctorId, stranger.patientId)).toBe(404)
    expect(await count()).toBe(before)
    expect(await pay(patient, stranger.doctorId, patientId)).toBe(201)
    expect(await pay(doctor, doctorId, patientId)).toBe(201)
    expect(await pay(desk, colleagueId, patientId)).toBe(201)
    expect(await pay(desk, doctorId, walkIn.id)).toBe(201)
  })
})

describe("the list", () => {
  test("is the caller's own, newest first, and pages by cursor, each payment once", async () => {
    const clinic = await clinicWithVisit()
    const other = await clinicWithVisit()
    await other.patient.post("/payments", { appointmentId: other.appointmentId, amount: 1, method: "CASH" })
    for (let amount = 1; amount <= 7; amount++)
      await clinic.patient.post("/payments", { appointmentId: clinic.appointmentId, amount, method: "CASH" })
    for (const party of [clinic.patient, clinic.doctor, clinic.desk]) {
      const seen: number[] = []
      let cursor: string | null = null
      do {
        const { body } = await party.get(`/payments?limit=3${cursor ? `&cursor=${cursor}` : ""}`)
        expect(body.data.length).toBeLessThanOrEqual(3)
        seen.push(...body.data.map((p: { amount: number }) => p.amount))
        cursor = body.nextCursor
      } while (cursor)
      expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1])
    }
    expect((await (await receptionistOf(api, clinic.clinicId, "REVOKED")).get("/payments")).status).toBe(403)
    expect((await api.person().get("/payments")).status).toBe(403)
  })
})
