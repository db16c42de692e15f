/** The promise of the Idempotency-Key, tried on every POST that the application has. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type Answer, clinicOf, doctorInput, type Person, receptionistOf, testApi } from "../tests/harness/api.ts"
import { digestOf } from "./once.ts"

let api: Awaited<ReturnType<typeof testApi>>
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api[Symbol.asyncDispose]())

/** A retry that has to wait for the first call would take as long as that: this long here. */
const HELD_MS = 1_500

type Call = {
  caller: Person
  body: Record<string, unknown>
  /** Another body that is no less valid. */
  other: Record<string, unknown>
  /** Refused, though valid, for the state that there is. */
  refused?: Record<string, unknown>
  /** Someone else, and what they may send under the same key. */
  second: { caller: Person; body: Record<string, unknown> }
  /** How often the work was done. */
  done: () => PromiseLike<readonly Record<string, unknown>[]>
}

const sql = () => api.database.pool
const nobody = Bun.randomUUIDv7()

async function clinicWithDesk() {
  const clinic = await clinicOf(api)
  return { ...clinic, desk: await receptionistOf(api, clinic.clinicId) }
}

async function clinicWithWaiting() {
  const clinic = await clinicWithDesk()
  for (const slot of clinic.slots.slice(0, 4)) {
    const { body } = await clinic.patient.post("/appointments", { doctorId: clinic.doctorId, scheduledAt: slot.start })
    for (const status of ["CONFIRMED", "WAITING"]) await clinic.desk.put(`/appointments/${body.id}`, { status })
  }
  return clinic
}

const calls: Record<string, () => Promise<Call>> = {
  async "/api/v1/patients"() {
    const { clinicId, desk } = await clinicWithDesk()
    const second = { caller: await receptionistOf(api, clinicId), body: { walkIn: true, name: "Jo" } }
    const done = () => sql()`select count(*) as done from patients where clinic_id = ${clinicId}`
    return { caller: desk, body: { walkIn: true, name: "Jo" }, other: { walkIn: true, name: "Joe" }, refused: { name: "Jo" }, second, done }
  },
  async "/api/v1/doctors"() {
    const [caller, other] = [api.person(), api.person()]
    const { profile } = await clinicOf(api)
    const { clinicName, clinicAddress, city, clinicLatitude, clinicLongitude, ...practice } = doctorInput
    const join = { ...practice, clinicId: profile.clinicId }
    const body = { ...join, clinicVerificationCode: profile.clinicVerificationCode }
    return {
      caller,
      body,
      other: { ...body, name: "Dr. Else" },
      refused: { ...join, clinicVerificationCode: "WRONGWRONG" },
      second: { caller: other, body },
      done: () => sql()`select count(*) as done from doctors where uid = ${caller.uid}`,
    }
  },
  async "/api/v1/appointments"() {
    const { patient, doctorId, slots } = await clinicOf(api)
    const second = await clinicOf(api)
    const at = (n: number) => ({ doctorId, scheduledAt: slots[n]?.start })
    await second.patient.post("/appointments", at(5))
    return {
      caller: patient,
      body: at(0),
      other: at(1),
      refused: at(5),
      second: { caller: second.patient, body: at(2) },
      done: () =>
        sql()`select count(*) as done from appointments where doctor_id = ${doctorId} and scheduled_at = ${slots[0]?.start as string}`,
    }
  },
  async "/api/v1/payments"() {
    const { patient, desk, doctorId, slots } = await clinicWithDesk()
    const appointmentId = (await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start })).body.id
    const card = { number: "4242424242424242", expMonth: 12, expYear: 2090, holder: "Pat" }
    const body = { appointmentId, amount: 20, method: "CARD", card }
    return {
      caller: patient,
      body,
      other: { ...body, card: { ...card, number: "5555555555554444" } },
      refused: { ...body, appointmentId: nobody },
      second: { caller: desk, body },
      done: () => sql()`select count(*) as done from payments where appointment_id = ${appointmentId}`,
    }
  },
  async "/api/v1/receptionists"() {
    const { clinicId, profile } = await clinicOf(api)
    const [caller, other] = [api.person(), api.person()]
    const body = { clinicId, verificationCode: profile.clinicVerificationCode, name: "Rae" }
    return {
      caller,
      body,
      other: { ...body, name: "Ray" },
      refused: { ...body, verificationCode: "WRONGWRONG" },
      second: { caller: other, body },
      done: () => sql()`select count(*) as done from receptionists where uid = ${caller.uid}`,
    }
  },
  async "/api/v1/receptionists/queue/next"() {
    const { desk, doctor, doctorId, clinicId, profile } = await clinicWithWaiting()
    const { clinicName, clinicAddress, city, clinicLatitude, clinicLongitude, ...practice } = doctorInput
    const idle = api.person()
    const join = { clinicId, clinicVerificationCode: profile.clinicVerificationCode }
    const idleId = (await idle.post("/doctors", { ...practice, ...join })).body.id
    return {
      caller: desk,
      body: { doctorId },
      other: { doctorId: idleId },
      refused: { doctorId: idleId },
      second: { caller: doctor, body: { doctorId } },
      done: () => sql()`select count(*) as done from appointments where doctor_id = ${doctorId} and status = 'IN_PROGRESS'`,
    }
  },
}

const posts = () => [...new Set(api.app.routes.filter((route) => route.method === "POST").map((route) => route.path))].sort()

test("every POST of the application is tried here", () => {
  expect(posts()).toEqual(Object.keys(calls).sort())
})

/** Undescribed: the API describes no failure of its own. */
async function sendWhileNoKeyCanBeKept({ caller, path, body, key }: { caller: Person; path: string; body: unknown; key: string }) {
  await sql()`alter table idempotency_keys add constraint nothing_kept check (false) not valid`
  const headers = { authorization: `Bearer ${caller.token}`, "content-type": "application/json", "idempotency-key": key }
  const answer = await fetch(api.url + path, { method: "POST", headers, body: JSON.stringify(body) })
  await sql()`alter table idempotency_keys drop constraint nothing_kept`
  return answer.status
}

function send({ caller, path, body, key }: { caller: Person; path: string; body: unknown; key: string }): Promise<Answer> {
  return caller.post(path.replace("/api/v1", ""), body, { "idempotency-key": key })
}

const replayed = ({ headers }: Answer) => headers.get("idempotency-replayed")

for (const [path, open] of Object.entries(calls))
  describe(`POST ${path}`, () => {
    test("sent again gets its first answer and is told so, and its work is done once", async () => {
      const { caller, body, done } = await open()
      const key = Bun.randomUUIDv7()
      const first = await send({ caller, path, body, key })
      expect([first.status < 300, replayed(first)]).toEqual([true, null])
      for (let retry = 0; retry < 3; retry++) {
        const again = await send({ caller, path, body, key })
        expect([again.status, replayed(again)]).toEqual([first.status, "true"])
        expect(again.body).toEqual(first.body)
      }
      expect(await done()).toEqual([{ done: 1 }] as never)
    })

    test("with another body under its key is 422, names the key and does nothing", async () => {
      const { caller, body, other, done } = await open()
      const key = Bun.randomUUIDv7()
      expect((await send({ caller, path, body, key })).status).toBeLessThan(300)
      const refused = await send({ caller, path, body: other, key })
      expect([refused.status, refused.body.errors[0].path, replayed(refused)]).toEqual([422, "Idempotency-Key", null])
      expect(await done()).toEqual([{ done: 1 }] as never)
    })

    test("while the first is in flight is 409 at once, and is answered when that has gone", async () => {
      const { caller, body, done } = await open()
      const key = Bun.randomUUIDv7()
      const held = Promise.withResolvers<void>()
      const first = sql().begin(async (tx) => {
        await tx`select pg_advisory_xact_lock(idempotency_lock(${caller.uid}, ${`POST ${path}`}, ${digestOf(key)}))`
        held.resolve()
        await Bun.sleep(HELD_MS)
      })
      await held.promise
      const started = performance.now()
      const [one, two] = await Promise.all([send({ caller, path, body, key }), send({ caller, path, body, key })])
      expect(performance.now() - started).toBeLessThan(HELD_MS)
      for (const answer of [one, two]) expect([answer.status, answer.body.detail]).toEqual([409, expect.stringContaining("in flight")])
      await first
      expect((await send({ caller, path, body, key })).status).toBeLessThan(300)
      expect(await done()).toEqual([{ done: 1 }] as never)
    })

    test("commits its work and its key together: where the key cannot be kept, nothing is done", async () => {
      const { caller, body, done } = await open()
      const key = Bun.randomUUIDv7()
      const events = async () => (await sql()`select count(*) as events from events`)[0]?.events
      const before = await events()
      expect(await sendWhileNoKeyCanBeKept({ caller, path, body, key })).toBe(500)
      expect([await done(), await events()]).toEqual([[{ done: 0 }], before] as never)
      const then = await send({ caller, path, body, key })
      expect([then.status < 300, replayed(then)]).toEqual([true, null])
      expect(await done()).toEqual([{ done: 1 }] as never)
    })

    test("that was refused leaves its key free", async () => {
      const { caller, body, refused } = await open()
      const key = Bun.randomUUIDv7()
      for (let retry = 0; retry < 2; retry++) {
        const answer = await send({ caller, path, body: refused, key })
        expect([answer.status >= 400 && answer.status < 500, replayed(answer)]).toEqual([true, null])
      }
      expect(await sql()`select from idempotency_keys where key = ${digestOf(key)}`).toHaveLength(0)
      const then = await send({ caller, path, body, key })
      expect([then.status < 300, replayed(then)]).toEqual([true, null])
    })

    test("has a key that is the caller's and the route's alone", async () => {
      const { caller, body, second } = await open()
      const key = Bun.randomUUIDv7()
      const answers = [await send({ caller, path, body, key }), await send({ ...second, path, key })]
      for (const answer of answers) expect([answer.status < 300, replayed(answer)]).toEqual([true, null])
      expect(answers[1]?.body.id).not.toBe(answers[0]?.body.id)
      for (const elsewhere of posts().filter((other) => other !== path)) {
        const answer = await send({ caller, path: elsewhere, body, key })
        expect(JSON.stringify(answer.body)).not.toContain("Idempotency-Key")
        expect(replayed(answer)).toBeNull()
      }
      const kept = await sql()`select distinct caller, route from idempotency_keys where key = ${digestOf(key)}`
      expect(kept).toHaveLength(2)
    })
  })
