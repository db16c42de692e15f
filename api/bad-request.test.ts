import { afterAll, beforeAll, expect, test } from "bun:test"
import { clinicOf, request, type TestApi, testApi } from "../tests/harness/api.ts"
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

test("another content type is 415", async () => {
  const before = await digestOf(api.database.pool)
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp"]) {
    const answer = await clinic.patient.post(
      "/appointments",
      JSON.stringify({ doctorId: clinic.doctorId, scheduledAt: clinic.slots[6]?.start }),
      { "content-type": type },
    )
    expectProblem(answer, 415)
  }
  expect(await digestOf(api.database.pool)).toBe(before)
})

test("a body that is not UTF-8 is 400, and nothing is written", async () => {
  const before = await digestOf(api.database.pool)
  const bytes = Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')])
  const headers = { authorization: `Bearer ${clinic.patient.token}`, "content-type": "application/json" }
  expectProblem(await request(`${api.url}/api/v1/patients/me`, { method: "PATCH", headers, body: bytes }), 400)
  expect(await digestOf(api.database.pool)).toBe(before)
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
