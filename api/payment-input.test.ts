import { afterAll, beforeAll, expect, test } from "bun:test"
import { type Answer, clinicOf, doctorInput, request, type TestApi, testApi } from "../tests/harness/api.ts"

let api: TestApi
let clinic: Awaited<ReturnType<typeof clinicOf>>
let appointmentId: string
let paymentId: string
beforeAll(async () => {
  api = await testApi()
  clinic = await clinicOf(api)
  appointmentId = (await clinic.patient.post("/appointments", { doctorId: clinic.doctorId, scheduledAt: clinic.slots[0]?.start })).body.id
  paymentId = (await clinic.patient.post("/payments", { appointmentId, amount: 10, method: "CASH" })).body.id
})
afterAll(() => api[Symbol.asyncDispose]())

const card = { number: "4111111111111111", expMonth: 12, expYear: 2090, holder: "Pat Jones" }
const good = () => ({ appointmentId, amount: 10, method: "CARD", card })
const direct = () => ({ doctorId: clinic.doctorId, patientId: clinic.patientId, amount: 10, method: "CASH" })

/** Everything that a request could have written. */
async function everything(): Promise<string> {
  const [row] = await api.database.pool`
    select md5(concat((select string_agg(p::text, '|' order by id) from payments p), (select count(*) from events),
      (select count(*) from idempotency_keys))) as digest`
  return row?.digest
}

function expectProblem(answer: Answer, status: number, path?: string): void {
  expect(answer.status).toBe(status)
  expect(answer.headers.get("content-type")).toBe("application/problem+json")
  if (path !== undefined) expect(answer.body.errors.map((e: { path: string }) => e.path)).toContain(path)
  expect(JSON.stringify(answer.body)).not.toMatch(/select |insert |postgres|node_modules|at .*\.ts|\d{13,}/i)
}

const NUL = "a\0b"
const notId = [5, "", "abc", [], {}, "0".repeat(36), NUL]
const cases: Record<string, unknown[]> = {
  appointmentId: notId,
  amount: ["150", null, 0, -1, -0.01, 0.001, 10.555, 1_000_000.01, 1e9, true, [10], {}, NUL],
  currency: ["usd", "XXXX", "", 5, "ABC", null, "EUR", "JPY", NUL],
  method: ["", "card", "CHEQUE", 5, null, []],
  card: ["4111111111111111", 5, [], true],
}
const cardCases: Record<string, unknown[]> = {
  number: [
    null,
    4111111111111111,
    "",
    "4111111111111112",
    "411111111111",
    "41111111111111111111",
    "4111  1111 1111 1111",
    " 4111111111111111",
    "4111.1111.1111.1111",
    "٤١١١١١١١١١١١١١١١",
    "4111111111111111\n",
    "0x4111111111111111",
    NUL,
    ["4111111111111111"],
  ],
  expMonth: [0, 13, 1.5, "12", null, -1],
  expYear: [90, 1999, 2100, 2090.5, "2090", null],
  holder: ["", "  ", 5, null, "x".repeat(201), NUL, "a\ud800"],
}

test("each bad value of each field is refused by name, and nothing is written", async () => {
  const before = await everything()
  for (const [field, values] of Object.entries(cases))
    for (const value of values) expectProblem(await clinic.patient.post("/payments", { ...good(), [field]: value }), 422, field)
  for (const [field, values] of Object.entries(cardCases))
    for (const value of values)
      expectProblem(await clinic.patient.post("/payments", { ...good(), card: { ...card, [field]: value } }), 422, `card.${field}`)
  for (const field of ["doctorId", "patientId"])
    for (const value of notId) expectProblem(await clinic.patient.post("/payments", { ...direct(), [field]: value }), 422, field)
  const infinite = JSON.stringify(good()).replace('"amount":10', '"amount":1e400')
  expectProblem(await clinic.patient.post("/payments", infinite), 422, "amount")
  expect(await everything()).toBe(before)
})

/** As they come over the wire: each is JSON, and most are no amount. */
const SPELLED = [
  ...["0", "-0", "0.0", "-1", "-0.01", "1e400", "-1e400", "1e-400", "1e-7", "10.000000000000001", "1000000.00000001", '"10"'],
  ...["10", "10.0", "1e3", "1e6", "0.01", "10.5", "10.55", "0.001", "10.555", "10.5555"],
]
const TAKEN: Record<string, string[]> = {
  USD: ["10", "10.0", "1e3", "1e6", "0.01", "10.5", "10.55"],
  JPY: ["10", "10.0", "1e3", "1e6"],
  KWD: ["10", "10.0", "1e3", "1e6", "0.01", "10.5", "10.55", "0.001", "10.555"],
}

test("an amount is taken, to the digit, when it is above zero, within the bound and of the currency's minor units; every other is refused", async () => {
  for (const [currency, taken] of Object.entries(TAKEN)) {
    const doctor = (await api.person().post("/doctors", { ...doctorInput, consultationFee: 1, currency })).body.id
    const whom = { doctorId: doctor, patientId: clinic.patientId, method: "CASH" }
    for (const amount of SPELLED) {
      const answer = await clinic.patient.post(
        "/payments",
        JSON.stringify({ ...whom, amount: 0 }).replace('"amount":0', `"amount":${amount}`),
      )
      if (!taken.includes(amount)) expectProblem(answer, 422, "amount")
      else expect([currency, amount, answer.status, answer.body.amount]).toEqual([currency, amount, 201, Number(amount)])
    }
  }
})

test("an expired card is refused, and this month's is not", async () => {
  const before = await everything()
  const now = new Date()
  const [expMonth, expYear] = [now.getUTCMonth() + 1, now.getUTCFullYear()]
  const [lastMonth, itsYear] = expMonth === 1 ? [12, expYear - 1] : [expMonth - 1, expYear]
  expectProblem(
    await clinic.patient.post("/payments", { ...good(), card: { ...card, expMonth: lastMonth, expYear: itsYear } }),
    422,
    "card.expMonth",
  )
  expect(await everything()).toBe(before)
  expect((await clinic.patient.post("/payments", { ...good(), card: { ...card, expMonth, expYear } })).status).toBe(201)
})

test("a security code is refused by name wherever it stands, and so is anything unknown; nothing of it is written", async () => {
  const before = await everything()
  for (const name of ["cvv", "cvc", "cvv2", "CVV", "securityCode", "status", "paidAt", "constructor"]) {
    expectProblem(await clinic.patient.post("/payments", { ...good(), [name]: "737" }), 422, name)
    expectProblem(await clinic.patient.post("/payments", { ...good(), card: { ...card, [name]: "737" } }), 422, `card.${name}`)
    expectProblem(await clinic.patient.put(`/payments/${paymentId}/status`, { status: "COMPLETED", [name]: "737" }), 403)
    expectProblem(await clinic.doctor.put(`/payments/${paymentId}/status`, { status: "COMPLETED", [name]: "737" }), 422)
  }
  expect(await everything()).toBe(before)
})

test("fields that are missing, or do not go together, are named, and nothing is written", async () => {
  const before = await everything()
  for (const field of ["amount", "method"]) {
    const { [field]: _, ...rest } = good() as Record<string, unknown>
    expectProblem(await clinic.patient.post("/payments", rest), 422, field)
  }
  for (const field of ["number", "expMonth", "expYear", "holder"]) {
    const { [field]: _, ...rest } = card as Record<string, unknown>
    expectProblem(await clinic.patient.post("/payments", { ...good(), card: rest }), 422, `card.${field}`)
  }
  for (const field of ["doctorId", "patientId"] as const) {
    expectProblem(await clinic.patient.post("/payments", { ...good(), [field]: direct()[field] }), 422, field)
    expectProblem(await clinic.patient.post("/payments", { ...direct(), [field]: undefined }), 422, field)
  }
  expectProblem(await clinic.patient.post("/payments", { ...good(), card: undefined }), 422, "card")
  expectProblem(await clinic.patient.post("/payments", { ...good(), card: null }), 422, "card")
  for (const method of ["CASH", "INSURANCE"]) expectProblem(await clinic.patient.post("/payments", { ...good(), method }), 422, "card")
  expect(await everything()).toBe(before)
})

test("what is no JSON object, of another type or too large is refused, and nothing is written", async () => {
  const before = await everything()
  for (const text of ["", "{", "nonsense"]) expectProblem(await clinic.patient.post("/payments", text), 400)
  for (const text of ["null", "[]", "5", '"text"']) expectProblem(await clinic.patient.post("/payments", text), 422)
  expectProblem(await clinic.patient.post("/payments", JSON.stringify(good()), { "content-type": "text/plain" }), 415)
  expectProblem(await clinic.patient.post("/payments", { ...good(), note: "x".repeat(1024 * 1024) }), 413)
  expect(await everything()).toBe(before)
})

test("a status that is none is refused, a payment that is none is not there, a bad page is 400", async () => {
  for (const status of ["", "PAID", "completed", 5, null])
    expectProblem(await clinic.doctor.put(`/payments/${paymentId}/status`, { status }), 422, "status")
  expectProblem(await clinic.doctor.put(`/payments/${paymentId}/status`, {}), 422, "status")
  for (const id of ["abc", "%00", "%ff", "4111111111111111", Bun.randomUUIDv7()]) {
    expectProblem(await clinic.doctor.get(`/payments/${id}`), 404)
    expectProblem(await clinic.doctor.put(`/payments/${id}/status`, { status: "COMPLETED" }), 404)
  }
  for (const query of [
    "cursor=x",
    "cursor=",
    "cursor=W10",
    "limit=0",
    "limit=101",
    "limit=x",
    "limit=1&limit=2",
    `cursor=${"x".repeat(201)}`,
  ])
    expectProblem(await clinic.patient.get(`/payments?${query}`), 400)
  const foreign = Buffer.from(JSON.stringify(["2026-13-45T00:00:00Z", paymentId])).toString("base64url")
  expectProblem(await clinic.patient.get(`/payments?cursor=${foreign}`), 400, "cursor")
})

test("without a valid token every call is 401, with another method 405", async () => {
  const body = JSON.stringify(good())
  const headers = { "content-type": "application/json" }
  expectProblem(await request(`${api.url}/api/v1/payments`), 401)
  expectProblem(await request(`${api.url}/api/v1/payments`, { method: "POST", headers, body }), 401)
  expectProblem(await request(`${api.url}/api/v1/payments/${paymentId}`), 401)
  expectProblem(await request(`${api.url}/api/v1/payments/${paymentId}/status`, { method: "PUT", headers, body }), 401)
  const wrong = await clinic.doctor.put(`/payments/${paymentId}`, { status: "COMPLETED" })
  expectProblem(wrong, 405)
})
