import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type Answer, clinicOf, doctorInput, type Person, type TestApi, testApi } from "../tests/harness/api.ts"
import { digestOf } from "../tests/harness/contents.ts"
import { expectProblem } from "../tests/harness/problems.ts"

let api: TestApi
let clinic: Awaited<ReturnType<typeof clinicOf>>
let appointmentId: string
beforeAll(async () => {
  api = await testApi()
  clinic = await clinicOf(api)
  appointmentId = (await clinic.patient.post("/appointments", { doctorId: clinic.doctorId, scheduledAt: clinic.slots[0]?.start })).body.id
})
afterAll(() => api[Symbol.asyncDispose]())

const NUL = "a\0b"
const SURROGATE = "a\ud800b"
const notText = [5, true, [], {}, "", "   ", "x".repeat(201), NUL, SURROGATE]
const notLatitude = ["1", null, 91, -90.5, true, [1]]
const notLongitude = ["1", null, 181, -180.5, {}]
const notInstant = [
  "0000-01-01T00:00:00Z",
  "2027-02-20T10:00:00.0001Z",
  5,
  null,
  "",
  "tomorrow",
  "2027-02-30T10:00:00Z",
  "2027-02-20",
  "2027-02-20T25:00:00Z",
  "2027-02-20T10:00:00",
  "2027-13-01T00:00:00Z",
  NUL,
  "20270220T100000Z",
  "99999-01-01T00:00:00Z",
]
const notId = [5, "", "abc", null, [], `${"0".repeat(36)}`, NUL]

type Cases = Record<string, unknown[]>

const doctorCases: Cases = {
  name: [...notText, null],
  specialization: [...notText, null],
  consultationFee: ["150", -1, 150.001, 1e9, null, true],
  currency: ["usd", "XXXX", "", 5, "ABC", null],
  clinicName: [...notText, null],
  clinicAddress: [...notText, null],
  city: [...notText, null],
  clinicLatitude: notLatitude,
  clinicLongitude: notLongitude,
  services: ["ECG", [5], [""], [NUL], {}, null, Array.from({ length: 51 }, () => "x"), ["x".repeat(201)]],
  workingHours: [
    null,
    [],
    "mon",
    { mon: "09:00" },
    { mon: [["09:00"]] },
    { mon: [["9:00", "10:00"]] },
    { mon: [["10:00", "09:00"]] },
    { mon: [["09:00", "09:00"]] },
    {
      mon: [
        ["09:00", "12:00"],
        ["11:00", "13:00"],
      ],
    },
    { mon: [["24:00", "24:00"]] },
    { mon: [["09:00", "24:01"]] },
    { funday: [] },
    { mon: [["09:00", "12:00", "13:00"]] },
  ],
  slotMinutes: [4, 241, 30.5, "30", null],
  timezone: ["Mars/Olympus", "", 5, null, NUL],
  bio: [5, "x".repeat(2001), NUL, SURROGATE, {}],
}
const patientCases: Cases = {
  name: [...notText, null],
  phone: notText,
  city: notText,
  latitude: ["1", 91, -91, true],
  longitude: ["1", 181, -181, {}],
}
const bookingCases: Cases = {
  doctorId: notId,
  scheduledAt: notInstant,
  reason: [5, "x".repeat(2001), NUL, SURROGATE, {}],
  type: ["IN-PERSON", "", 5, null, []],
  patientId: [5, "", "abc", [], NUL],
}
const changeCases: Cases = {
  status: ["", "DONE", 5, null, "confirmed"],
  scheduledAt: notInstant,
  version: ["1", 0, 1.5, null, -1],
}

type Call = {
  title: string
  by: () => Person
  send: (who: Person, body: unknown) => Promise<Answer>
  good: () => Record<string, unknown>
  cases: Cases
  required: string[]
}

const calls: Call[] = [
  {
    title: "POST /doctors",
    by: () => api.person(),
    send: (who, b) => who.post("/doctors", b),
    good: () => doctorInput,
    cases: doctorCases,
    required: [
      "name",
      "specialization",
      "consultationFee",
      "clinicName",
      "clinicAddress",
      "city",
      "clinicLatitude",
      "clinicLongitude",
      "workingHours",
    ],
  },
  {
    title: "PATCH /doctors/me",
    by: () => clinic.doctor,
    send: (who, b) => who.patch("/doctors/me", b),
    good: () => ({ clinicLatitude: 40, clinicLongitude: -74 }),
    cases: { ...doctorCases, active: ["yes", 1, null] },
    required: [],
  },
  {
    title: "POST /patients",
    by: () => api.person(),
    send: (who, b) => who.post("/patients", b),
    good: () => ({ name: "Pat", latitude: 1, longitude: 1 }),
    cases: patientCases,
    required: ["name"],
  },
  {
    title: "PATCH /patients/me",
    by: () => clinic.patient,
    send: (who, b) => who.patch("/patients/me", b),
    good: () => ({ latitude: 1, longitude: 1 }),
    cases: patientCases,
    required: [],
  },
  {
    title: "POST /appointments",
    by: () => clinic.patient,
    send: (who, b) => who.post("/appointments", b),
    good: () => ({ doctorId: clinic.doctorId, scheduledAt: clinic.slots[5]?.start }),
    cases: bookingCases,
    required: ["doctorId", "scheduledAt"],
  },
  {
    title: "PUT /appointments/:id",
    by: () => clinic.doctor,
    send: (who, b) => who.put(`/appointments/${appointmentId}`, b),
    good: () => ({}),
    cases: changeCases,
    required: [],
  },
]

describe.each(calls)("$title", ({ by, send, good, cases, required }) => {
  test("refuses each bad value of each field by name, and writes nothing", async () => {
    const who = by()
    const before = await digestOf(api.database.pool)
    for (const [field, values] of Object.entries(cases))
      for (const value of values) {
        const answer = await send(who, { ...good(), [field]: value })
        if (answer.status !== 422) throw new Error(`${field} = ${JSON.stringify(value)} was answered ${answer.status}`)
        expectProblem(answer, 422)
        expect(answer.body.errors.some((e: { path: string }) => e.path === field || e.path.startsWith(`${field}.`))).toBe(true)
      }
    expect(await digestOf(api.database.pool)).toBe(before)
  })

  test("refuses a missing or an unknown field by name, whatever it is called, and writes nothing", async () => {
    const who = by()
    const before = await digestOf(api.database.pool)
    for (const field of required) {
      const { [field]: _, ...rest } = good()
      expectProblem(await send(who, rest), 422, field)
    }
    for (const unknown of ["id", "uid", "role", "status2", "version2", "clinic", "constructor", "toString"])
      expectProblem(await send(who, { ...good(), [unknown]: 1 }), 422, unknown)
    expectProblem(await send(who, `{"__proto__": {"admin": true}, ${JSON.stringify(good()).slice(1)}`.replace(", }", "}")), 422)
    expect(await digestOf(api.database.pool)).toBe(before)
  })

  test("refuses what is not a JSON object, is not JSON or is too large, and writes nothing", async () => {
    const who = by()
    const before = await digestOf(api.database.pool)
    for (const text of ["", "{", "nonsense", "{'a': 1}", '{"a": 1,}']) expectProblem(await send(who, text), 400)
    for (const text of ["null", "[]", "5", '"text"', "true"]) expectProblem(await send(who, text), 422)
    expectProblem(await send(who, JSON.stringify({ ...good(), bio: "x".repeat(1024 * 1024) })), 413)
    expect(await digestOf(api.database.pool)).toBe(before)
  })
})

test("a position is given as a whole, and a clinic either by its fields or by id and code", async () => {
  expectProblem(await api.person().post("/patients", { name: "Pat", latitude: 1 }), 422, "longitude")
  expectProblem(await api.person().post("/patients", { name: "Pat", longitude: 1 }), 422, "latitude")
  expectProblem(await clinic.patient.patch("/patients/me", { latitude: null }), 422, "longitude")
  expectProblem(await clinic.patient.patch("/patients/me", { latitude: 1, longitude: null }), 422, "longitude")
  expectProblem(await clinic.doctor.patch("/doctors/me", { clinicLongitude: 1 }), 422, "clinicLatitude")
  const { clinicName, clinicAddress, city, clinicLatitude, clinicLongitude, ...practice } = doctorInput
  expectProblem(await api.person().post("/doctors", { ...practice, clinicId: clinic.clinicId }), 422, "clinicVerificationCode")
  expectProblem(await api.person().post("/doctors", { ...practice, clinicVerificationCode: "X" }), 422, "clinicId")
  expectProblem(
    await api
      .person()
      .post("/doctors", { ...doctorInput, clinicId: clinic.clinicId, clinicVerificationCode: clinic.profile.clinicVerificationCode }),
    422,
    "clinicName",
  )
  expectProblem(await clinic.doctor.patch("/doctors/me", { clinicId: clinic.clinicId }), 422, "clinicId")
})

test("a card number in a text is 422 and named, while phone numbers and long references are taken", async () => {
  const { patient, doctor, doctorId, slots } = await clinicOf(api)
  const scheduledAt = slots[0]?.start
  const refused = await patient.post("/appointments", { doctorId, scheduledAt, reason: "Charge 4242 4242 4242 4242, please" })
  expectProblem(refused, 422, "reason")
  expect(refused.body.errors).toEqual([{ path: "reason", message: "must not contain a card number" }])
  expectProblem(await doctor.patch("/doctors/me", { services: ["ECG", "5555555555554444"] }), 422, "services.1")
  const reason = "Insurance 1234 5678 9012 3456, case 20261220-0042, call +49 1512 345 67890"
  expect((await patient.post("/appointments", { doctorId, scheduledAt, reason })).body.reason).toBe(reason)
  for (const phone of ["+1 212 555 0100", "+4915123456789", "004915123456789", "6281234567890"])
    expect((await patient.patch("/patients/me", { phone })).body.phone).toBe(phone)
})

test("amounts keep to the decimals of their currency", async () => {
  expectProblem(await api.person().post("/doctors", { ...doctorInput, currency: "JPY", consultationFee: 10.5 }), 422, "consultationFee")
  expectProblem(await api.person().post("/doctors", { ...doctorInput, currency: "KWD", consultationFee: 10.5005 }), 422, "consultationFee")
  expectProblem(await clinic.doctor.patch("/doctors/me", { consultationFee: 10.555 }), 422, "consultationFee")
  expectProblem(
    await api.person().post("/doctors", `${JSON.stringify(doctorInput).replace('"consultationFee":150', '"consultationFee":1e400')}`),
    422,
    "consultationFee",
  )
  const kuwait = await api.person().post("/doctors", { ...doctorInput, currency: "KWD", consultationFee: 10.555 })
  expect([kuwait.status, kuwait.body.consultationFee, kuwait.body.currency]).toEqual([201, 10.555, "KWD"])
})
