import { expect, test } from "bun:test"
import { clinicOf, request, testApi } from "../tests/harness/api.ts"
import { until } from "../tests/harness/services.ts"

test("health answers without a dependency; readiness tells of each, and fails without Postgres but not without Redis", async () => {
  await using api = await testApi()
  expect((await request(`${api.url}/health`)).body).toEqual({
    status: "ok",
    version: expect.any(String),
    uptimeSeconds: expect.any(Number),
  })
  const ready = await request(`${api.url}/health/ready`)
  expect([ready.status, ready.body]).toEqual([
    200,
    { status: "ok", checks: { postgres: "ok", redis: "ok", searchIndex: "off", eventLag: { events: 0, seconds: 0 } } },
  ])
  await api.redis.kill()
  expect(
    await until("Redis is missed", async () =>
      (await request(`${api.url}/health/ready`)).body.checks.redis === "down" ? "down" : undefined,
    ),
  ).toBe("down")
  expect((await request(`${api.url}/health/ready`)).status).toBe(200)
})

test("without Redis, REST works and limits go on in the process", async () => {
  await using api = await testApi({ RATE_LIMIT: "1", RATE_LIMIT_WRITES_PER_MINUTE: "3" })
  await api.redis.kill()
  const someone = api.person()
  const statuses: number[] = []
  for (let i = 0; i < 5; i++) statuses.push((await someone.post("/patients", { name: "Ana" })).status)
  expect(statuses).toEqual([201, 409, 409, 429, 429])
})

test("a caller over the limit is told when to come back; others are not touched; writes count in Redis, across processes", async () => {
  await using api = await testApi({ RATE_LIMIT: "1", RATE_LIMIT_READS_PER_MINUTE: "4", RATE_LIMIT_WRITES_PER_MINUTE: "2" })
  const someone = api.person()
  const first = await someone.get("/me")
  expect(first.headers.get("ratelimit-policy")).toBe('"reads";q=4;w=60')
  expect(first.headers.get("ratelimit")).toMatch(/^"reads";r=3;t=(59|60)$/)
  for (let i = 0; i < 3; i++) await someone.get("/me")
  const over = await someone.get("/me")
  expect([over.status, over.body.title]).toEqual([429, "Too Many Requests"])
  expect(Number(over.headers.get("retry-after"))).toBeGreaterThan(0)
  expect((await api.person().get("/me")).status).toBe(200)
  await someone.post("/patients", { name: "Ana" })
  await someone.post("/patients", { name: "Ana" })
  expect((await someone.post("/patients", { name: "Ana" })).status).toBe(429)
})

test("limits are off in development unless set", async () => {
  await using api = await testApi()
  const answer = await api.person().get("/me")
  expect(answer.headers.get("ratelimit")).toBeNull()
})

test("answers carry a request id, secure headers, and CORS for the allowed origins only", async () => {
  await using api = await testApi({ CORS_ORIGIN: "https://app.example.com,https://desk.example.com" })
  const someone = api.person()
  const answer = await request(`${api.url}/api/v1/me`, {
    headers: { authorization: `Bearer ${someone.token}`, "x-request-id": "abc-123", origin: "https://desk.example.com" },
  })
  expect(answer.headers.get("x-request-id")).toBe("abc-123")
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff")
  expect(answer.headers.get("strict-transport-security")).toContain("max-age")
  expect(answer.headers.get("access-control-allow-origin")).toBe("https://desk.example.com")
  const foreign = await request(`${api.url}/api/v1/me`, {
    headers: { authorization: `Bearer ${someone.token}`, origin: "https://evil.example" },
  })
  expect(foreign.headers.get("access-control-allow-origin")).toBeNull()
  const preflight = await fetch(`${api.url}/api/v1/appointments/x`, {
    method: "OPTIONS",
    headers: {
      origin: "https://app.example.com",
      "access-control-request-method": "PUT",
      "access-control-request-headers": "authorization,content-type",
    },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get("access-control-allow-methods")).toContain("PUT")
  expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization")
  const problem = await request(`${api.url}/api/v1/nothing`)
  expect(problem.headers.get("x-request-id")).toMatch(/^[\w-]{36}$/)
})

test("of requests in flight when the API is asked to stop, every one is answered; readiness fails first", async () => {
  const api = await testApi({ DRAIN_MS: "300" })
  const { patient, doctorId, slots } = await clinicOf(api)
  const stopped = api[Symbol.asyncDispose]()
  const readiness = await request(`${api.url}/health/ready`)
  expect([readiness.status, readiness.body.status]).toEqual([503, "draining"])
  const answers = await Promise.all(slots.slice(0, 20).map((slot) => patient.post("/appointments", { doctorId, scheduledAt: slot.start })))
  expect(answers.every((a) => a.status === 201)).toBe(true)
  await stopped
  expect(fetch(`${api.url}/health`)).rejects.toThrow()
})
