import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { makeCursor } from "../core/cursor.ts"
import { type Answer, clinicOf, doctorInput, type Person, receptionistOf, request, type TestApi, testApi } from "../tests/harness/api.ts"

let api: TestApi
let clinic: Awaited<ReturnType<typeof clinicOf>>
let appointmentId: string
beforeAll(async () => {
  api = await testApi()
  clinic = await clinicOf(api)
  appointmentId = (await clinic.patient.post("/appointments", { doctorId: clinic.doctorId, scheduledAt: clinic.slots[0]?.start })).body.id
})
afterAll(() => api[Symbol.asyncDispose]())

/** Everything that a request could have written. */
async function everything(): Promise<string> {
  const [row] = await api.database.pool`
    select md5(concat(
      (select string_agg(a::text, '|' order by uid) from accounts a), (select string_agg(p::text, '|' order by id) from patients p),
      (select string_agg(c::text, '|' order by id) from clinics c), (select string_agg(d::text, '|' order by id) from doctors d),
      (select string_agg(x::text, '|' order by id) from appointments x), (select count(*) from events))) as digest`
  return row?.digest
}

function expectProblem(answer: Answer, status: number, path?: string): void {
  expect(answer.status).toBe(status)
  expect(answer.headers.get("content-type")).toBe("application/problem+json")
  expect(answer.body).toMatchObject({
    type: "about:blank",
    title: expect.any(String),
    status,
    detail: expect.any(String),
    instance: expect.any(String),
  })
  if (path !== undefined) expect(answer.body.errors.map((e: { path: string }) => e.path)).toContain(path)
  expect(JSON.stringify(answer.body)).not.toMatch(/select |insert |postgres|node_modules|at .*\.ts/i)
}

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
    const before = await everything()
    for (const [field, values] of Object.entries(cases))
      for (const value of values) {
        const answer = await send(who, { ...good(), [field]: value })
        if (answer.status !== 422) throw new Error(`${field} = ${JSON.stringify(value)} was answered ${answer.status}`)
        expectProblem(answer, 422)
        expect(answer.body.errors.some((e: { path: string }) => e.path === field || e.path.startsWith(`${field}.`))).toBe(true)
      }
    expect(await everything()).toBe(before)
  })

  test("refuses a missing or an unknown field by name, whatever it is called, and writes nothing", async () => {
    const who = by()
    const before = await everything()
    for (const field of required) {
      const { [field]: _, ...rest } = good()
      expectProblem(await send(who, rest), 422, field)
    }
    for (const unknown of ["id", "uid", "role", "status2", "version2", "clinic", "constructor", "toString"])
      expectProblem(await send(who, { ...good(), [unknown]: 1 }), 422, unknown)
    expectProblem(await send(who, `{"__proto__": {"admin": true}, ${JSON.stringify(good()).slice(1)}`.replace(", }", "}")), 422)
    expect(await everything()).toBe(before)
  })

  test("refuses what is not a JSON object, is not JSON or is too large, and writes nothing", async () => {
    const who = by()
    const before = await everything()
    for (const text of ["", "{", "nonsense", "{'a': 1}", '{"a": 1,}']) expectProblem(await send(who, text), 400)
    for (const text of ["null", "[]", "5", '"text"', "true"]) expectProblem(await send(who, text), 422)
    expectProblem(await send(who, JSON.stringify({ ...good(), bio: "x".repeat(1024 * 1024) })), 413)
    expect(await everything()).toBe(before)
  })
})

test("another content type is 415", async () => {
  const before = await everything()
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp"]) {
    const answer = await clinic.patient.post(
      "/appointments",
      JSON.stringify({ doctorId: clinic.doctorId, scheduledAt: clinic.slots[6]?.start }),
      { "content-type": type },
    )
    expectProblem(answer, 415)
  }
  expect(await everything()).toBe(before)
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

test("an id in a path that is no UUID, or nobody's, is not there", async () => {
  for (const id of ["abc", "1", "%00", "%ff", "..%2fme", Bun.randomUUIDv7(), "00000000-0000-0000-0000-00000000000g"]) {
    expectProblem(await clinic.patient.get(`/doctors/${id}`), 404)
    expectProblem(await clinic.patient.get(`/doctors/${id}/availability?date=2027-01-04`), 404)
    expectProblem(await clinic.patient.get(`/appointments/${id}`), 404)
    expectProblem(await clinic.patient.put(`/appointments/${id}`, { status: "CANCELLED" }), 404)
  }
})

test("availability needs one real day or instant", async () => {
  for (const query of [
    "",
    "?date=",
    "?date=2027-02-30",
    "?date=2027-1-1",
    "?date=tomorrow",
    "?date=2027-01-01&date=2027-01-02",
    "?date=%ff",
    "?date=%00",
    "?date=2027-01-01T25:00:00Z",
  ])
    expectProblem(await clinic.patient.get(`/doctors/${clinic.doctorId}/availability${query}`), 400)
})

test("no list takes a bound or a cursor that cannot be a moment, and every one takes the first and the last there is", async () => {
  const moments = [
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "10000-01-01T00:00:00Z",
    "2027-02-30T00:00:00Z",
    "today",
    "",
  ]
  for (const moment of moments)
    for (const name of ["from", "to"])
      expectProblem(await clinic.patient.get(`/appointments?${name}=${encodeURIComponent(moment)}`), 400, name)
  const cursors = moments.map((moment) => JSON.stringify([moment, Bun.randomUUIDv7()]))
  for (const cursor of [...cursors, "[]", "null", '["2027-01-01T00:00:00Z", "x"]', "{", "x".repeat(150)])
    for (const path of ["/appointments", "/payments", "/notifications"])
      expectProblem(await clinic.patient.get(`${path}?cursor=${Buffer.from(cursor).toString("base64url")}`), 400, "cursor")
  const desk = await receptionistOf(api, clinic.clinicId)
  for (const moment of ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"])
    for (const path of ["/appointments", "/payments"])
      for (const who of [clinic.patient, clinic.doctor, desk])
        expect((await who.get(`${path}?cursor=${makeCursor(moment, Bun.randomUUIDv7())}`)).status).toBe(200)
})

test("a body that is not UTF-8 is 400, and nothing is written", async () => {
  const before = await everything()
  const bytes = Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')])
  const headers = { authorization: `Bearer ${clinic.patient.token}`, "content-type": "application/json" }
  expectProblem(await request(`${api.url}/api/v1/patients/me`, { method: "PATCH", headers, body: bytes }), 400)
  expect(await everything()).toBe(before)
})

/** Sends bytes as they are; resolves with all that came back until the end or a pause. */
async function raw(text: string): Promise<string> {
  let received = ""
  const ended = Promise.withResolvers<void>()
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: Number(new URL(api.url).port),
    socket: {
      data: (_, data) => {
        received += data.toString()
      },
      close: () => ended.resolve(),
    },
  })
  socket.write(text)
  await Promise.race([ended.promise, Bun.sleep(1_000)])
  socket.end()
  return received
}

test("a request without a usable Host is answered like any other", async () => {
  expect(await raw("GET /health HTTP/1.0\r\n\r\n")).toContain(" 200 ")
  expect(await raw("GET /health HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n")).toMatch(/ (200|400) /)
  const nothing = await raw("GET /nothing HTTP/1.0\r\n\r\n")
  expect(nothing).toContain(" 404 ")
  expect(nothing).toContain("application/problem+json")
})

test("a search's bad parameter is 400 and named; unknown ones are ignored", async () => {
  const here = "latitude=40.7&longitude=-74"
  const bad: [string, string][] = [
    ["latitude=40", "longitude"],
    ["longitude=40", "latitude"],
    ["latitude=91&longitude=0", "latitude"],
    ["latitude=0&longitude=-181", "longitude"],
    ["latitude=NaN&longitude=0", "latitude"],
    ["latitude=0&longitude=Infinity", "longitude"],
    ["latitude=1e309&longitude=0", "latitude"],
    ["latitude=&longitude=0", "latitude"],
    [`${here}&radius=0`, "radius"],
    [`${here}&radius=-1`, "radius"],
    [`${here}&radius=500.1`, "radius"],
    [`${here}&radius=x`, "radius"],
    ["minFee=x", "minFee"],
    ["minFee=10&maxFee=5", "minFee"],
    ["maxFee=-1", "maxFee"],
    ["page=0", "page"],
    ["page=1.5", "page"],
    ["page=1000000000", "page"],
    ["limit=0", "limit"],
    ["limit=101", "limit"],
    ["limit=100&page=101", "page"],
    [`name=${"x".repeat(10_240)}`, "name"],
    ["name=a&name=b", "name"],
    ["name=%00", "name"],
    [`city=${"x".repeat(201)}`, "city"],
    ["clinicName=a%00", "clinicName"],
  ]
  for (const [query, path] of bad) expectProblem(await clinic.patient.get(`/doctors/search?${query}`), 400, path)
  for (const query of ["name=%", "name=%zz", "name=%ff", "name=%ed%a0%80", "%ff=1"])
    expectProblem(await clinic.patient.get(`/doctors/search?${query}`), 400)
  expect((await clinic.patient.get(`/doctors/search?${here}&utm_source=x&utm_source=y`)).status).toBe(200)
})

test("unknown paths are 404, known paths with another method 405 with Allow", async () => {
  expectProblem(await clinic.patient.get("/nothing"), 404)
  expectProblem(await request(`${api.url}/`), 404)
  expectProblem(await request(`${api.url}/api/v2/me`), 404)
  const wrong = await clinic.patient.put("/me", {})
  expectProblem(wrong, 405)
  expect(wrong.headers.get("allow")).toBe("GET, HEAD")
  const deletion = await request(`${api.url}/api/v1/appointments/${appointmentId}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${clinic.patient.token}` },
  })
  expectProblem(deletion, 405)
  expect(deletion.headers.get("allow")?.split(", ").sort()).toEqual(["GET", "HEAD", "PUT"])
})

test("without a valid token every endpoint but health is 401", async () => {
  const paths = [
    "/me",
    "/doctors/search",
    `/doctors/${clinic.doctorId}`,
    `/doctors/${clinic.doctorId}/availability?date=2027-01-04`,
    "/appointments",
    `/appointments/${appointmentId}`,
  ]
  for (const path of paths)
    for (const authorization of [
      undefined,
      "",
      "Bearer",
      "Bearer ",
      "Basic abc",
      "Bearer abc",
      "Bearer a.b.c",
      `Bearer ${"x".repeat(20_000)}`,
      `Bearer ${clinic.patient.token}x`,
    ]) {
      const answer = await request(`${api.url}/api/v1${path}`, { headers: authorization === undefined ? {} : { authorization } })
      if (answer.status !== 401 && answer.status !== 431)
        throw new Error(`${path} with ${authorization?.slice(0, 20)} was answered ${answer.status}`)
    }
  for (const path of ["/patients", "/doctors", "/appointments"])
    expectProblem(await request(`${api.url}/api/v1${path}`, { method: "POST", body: "{}" }), 401)
  expect((await request(`${api.url}/health`)).status).toBe(200)
  expect((await request(`${api.url}/health/ready`)).status).toBe(200)
})
