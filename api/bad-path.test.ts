import { afterAll, beforeAll, expect, test } from "bun:test"
import { makeCursor, numberedCursor } from "../core/cursor.ts"
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

test("an id in a path that is no UUID is not there, whatever else is wrong with the call", async () => {
  expectProblem(await clinic.doctor.put("/appointments/x", { nonsense: 1 }), 404)
  expectProblem(await clinic.doctor.put("/payments/x/status", {}), 404)
  expectProblem(await clinic.doctor.put("/receptionists/x", {}), 404)
  expectProblem(await clinic.doctor.put("/receptionists/queue/x", {}), 404)
  expectProblem(await clinic.doctor.get("/doctors/x/availability?date=x"), 404)
})

test("a problem's instance is the path as it was sent, which is a URI reference", async () => {
  expect((await clinic.patient.get("/doctors/%00%20")).body.instance).toBe("/api/v1/doctors/%00%20")
})

test("a query that cannot be read is refused on every route, those that take none among them, after the token and the role", async () => {
  const paths = ["/me", `/doctors/${clinic.doctorId}`, `/appointments/${Bun.randomUUIDv7()}`, "/doctors/search", "/payments"]
  for (const path of paths)
    for (const query of ["x=%FF", "x=%zz", "x=%00", "a=1&%00=2"]) {
      expectProblem(await clinic.patient.get(`${path}?${query}`), 400)
      const anonymous = await fetch(`${api.url}/api/v1${path}?${query}`)
      expect(anonymous.status).toBe(401)
      await anonymous.body?.cancel()
    }
  expectProblem(await clinic.patient.get("/receptionists/stats?x=%FF"), 403)
  expectProblem(await clinic.doctor.put(`/appointments/${Bun.randomUUIDv7()}?x=%FF`, { status: "CONFIRMED" }), 400)
})

test("a receptionist who does not work at a desk (yet) is refused as that, whatever else is wrong with the call", async () => {
  for (const status of ["PENDING", "REJECTED", "REVOKED"]) {
    const someone = await receptionistOf(api, clinic.clinicId, status)
    expectProblem(await someone.post("/appointments", {}), 403)
    expectProblem(await someone.post("/receptionists/queue/next", {}), 403)
    expectProblem(await someone.get("/receptionists/queue?clinicId=x"), 403)
    expectProblem(await someone.get("/appointments?limit=0"), 403)
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
    for (const list of ["appointments", "payments"] as const)
      for (const who of [clinic.patient, clinic.doctor, desk])
        expect((await who.get(`/${list}?cursor=${makeCursor(list, moment, Bun.randomUUIDv7())}`)).status).toBe(200)
})

test("a cursor of another list is 400 and named, on every list", async () => {
  const cursors = {
    "/appointments": makeCursor("appointments", "2027-01-01T00:00:00Z", Bun.randomUUIDv7()),
    "/payments": makeCursor("payments", "2027-01-01T00:00:00Z", Bun.randomUUIDv7()),
    "/notifications": numberedCursor("notifications", 7),
    "/audit/me": numberedCursor("accesses", 7),
  }
  for (const path of Object.keys(cursors))
    for (const [of, cursor] of Object.entries(cursors)) {
      const answer = await clinic.patient.get(`${path}?cursor=${cursor}`)
      if (of === path) expect([path, answer.status]).toEqual([path, 200])
      else expectProblem(answer, 400, "cursor")
    }
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
