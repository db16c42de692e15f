import { afterAll, beforeAll, expect, test } from "bun:test"
import { makeCursor } from "../core/cursor.ts"
import { clinicOf, receptionistOf, type TestApi, testApi } from "../tests/harness/api.ts"
import { expectProblem } from "../tests/harness/problems.ts"

let api: TestApi
let clinic: Awaited<ReturnType<typeof clinicOf>>
beforeAll(async () => {
  api = await testApi()
  clinic = await clinicOf(api)
})
afterAll(() => api[Symbol.asyncDispose]())

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
