import { expect, test } from "bun:test"
import { Redis } from "ioredis"
import { readConfig } from "../core/config.ts"
import { openLog } from "../core/log.ts"
import { clinicOf, person, request, testApi } from "../tests/harness/api.ts"
import { freePort, testDatabase, testRedis, until } from "../tests/harness/services.ts"
import { startApi } from "./server.ts"

test("health answers at once; readiness tells of each dependency, and does not fail without Redis, for everything still works", async () => {
  await using api = await testApi()
  expect((await request(`${api.url}/health`)).body).toEqual({
    status: "ok",
    version: expect.any(String),
    uptimeSeconds: expect.any(Number),
  })
  const ready = await request(`${api.url}/health/ready`)
  expect([ready.status, ready.body]).toEqual([
    200,
    {
      status: "ok",
      checks: { postgres: "ok", redis: "ok", searchIndex: expect.stringMatching(/^(loading|ready)$/), eventLag: { events: 0, seconds: 0 } },
    },
  ])
  await api.redis.kill()
  expect(
    await until("Redis is missed", async () =>
      (await request(`${api.url}/health/ready`)).body.checks.redis === "down" ? "down" : undefined,
    ),
  ).toBe("down")
  expect((await request(`${api.url}/health/ready`)).status).toBe(200)
})

test("without Postgres health is well, readiness fails, and what needs it is 503 with Retry-After", async () => {
  await using redis = await testRedis()
  const nowhere = `postgres://postgres:secret-password@127.0.0.1:${await freePort()}/none`
  const settings = {
    NODE_ENV: "test",
    DATABASE_URL: nowhere,
    REDIS_HOST: "127.0.0.1",
    REDIS_PORT: String(redis.config.port),
    AUTH_DEV_TOKENS: "1",
  }
  const api = startApi({ ...readConfig(settings), host: "127.0.0.1", port: 0 }, openLog("api", "silent"))
  expect((await request(`${api.url}/health`)).status).toBe(200)
  const readiness = await request(`${api.url}/health/ready`)
  expect([readiness.status, readiness.body]).toMatchObject([503, { status: "starting", checks: { postgres: "down", eventLag: null } }])
  const someone = person(api.url, "someone")
  for (const answer of [await someone.get("/me"), await someone.get("/doctors/search"), await someone.post("/patients", { name: "Ana" })]) {
    expect([answer.status, answer.headers.get("content-type")]).toEqual([503, "application/problem+json"])
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0)
    expect(JSON.stringify(answer.body)).not.toContain("secret-password")
  }
  await api.stop()
})

test("without Redis, REST works and limits go on in the process", async () => {
  await using api = await testApi({ RATE_LIMIT: "1", RATE_LIMIT_WRITES_PER_MINUTE: "3" })
  await api.redis.kill()
  const someone = api.person()
  const statuses: number[] = []
  for (let i = 0; i < 5; i++) statuses.push((await someone.post("/patients", { name: "Ana" })).status)
  expect(statuses).toEqual([201, 409, 409, 429, 429])
})

test("a caller over the limit is told when to come back; others are not touched; writes count in Redis, across processes, for their minute", async () => {
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
  await using second = await testApi({
    RATE_LIMIT: "1",
    RATE_LIMIT_WRITES_PER_MINUTE: "2",
    DATABASE_URL: api.database.url,
    REDIS_PORT: String(api.redis.config.port),
  })
  await someone.post("/patients", { name: "Ana" })
  await second.person(someone.uid).post("/patients", { name: "Ana" })
  for (const each of [api, second]) expect((await each.person(someone.uid).post("/patients", { name: "Ana" })).status).toBe(429)
  const redis = new Redis({ host: api.redis.config.host, port: api.redis.config.port })
  const kept = await redis.ttl(`pulsecal:writes:${someone.uid}`)
  redis.disconnect()
  expect(kept).toBeWithin(1, 61)
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

test("with CORS_ORIGIN=* any origin may call, and without it none may", async () => {
  for (const [setting, allowed] of [
    ["*", "*"],
    ["", null],
  ] as const) {
    await using api = await testApi({ CORS_ORIGIN: setting })
    const answer = await request(`${api.url}/health`, { headers: { origin: "https://anywhere.example" } })
    expect(answer.headers.get("access-control-allow-origin")).toBe(allowed)
  }
})

test("each request is one line in the log, under the id of its answer, with the route's template and nothing personal", async () => {
  await using database = await testDatabase()
  await using redis = await testRedis()
  const port = await freePort()
  const environment = {
    DATABASE_URL: database.url,
    REDIS_HOST: "127.0.0.1",
    REDIS_PORT: String(redis.config.port),
    PORT: String(port),
    AUTH_DEV_TOKENS: "1",
  }
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/main.ts`], {
    env: { PATH: process.env.PATH ?? "", ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  })
  const url = `http://127.0.0.1:${port}`
  await until("the API is ready", async () => (await fetch(`${url}/health/ready`).catch(() => undefined))?.ok, 15_000)
  const someone = person(url, "uid-of-zelda")
  const answers = [
    await someone.post("/patients", { name: "Zelda Quux", phone: "+1 555 0199", city: "Hyrule" }),
    await someone.get("/doctors/search?name=Zelda&latitude=12.3456&longitude=65.4321"),
    await someone.get(`/doctors/${Bun.randomUUIDv7()}`),
    await someone.get("/nowhere/Zelda"),
    await someone.patch("/patients/me", "{"),
    await request(`${url}/api/v1/me`, { headers: { authorization: "Bearer forged.Zelda.token" } }),
  ]
  child.kill("SIGTERM")
  const [text] = await Promise.all([child.stdout.text(), child.exited])
  const lines = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    // The harness reads the description as well.
    .filter((line) => line.msg === "request" && line.route !== "/openapi.json")
  expect(lines.map(({ requestId, method, route, status }) => ({ requestId, method, route, status }))).toEqual(
    [
      { method: "POST", route: "/api/v1/patients" },
      { method: "GET", route: "/api/v1/doctors/search" },
      { method: "GET", route: "/api/v1/doctors/:id" },
      { method: "GET", route: expect.any(String) },
      { method: "PATCH", route: "/api/v1/patients/me" },
      { method: "GET", route: "/api/v1/me" },
    ].map((line, i) => ({ requestId: answers[i]?.headers.get("x-request-id"), ...line, status: answers[i]?.status as number })),
  )
  for (const secret of ["Zelda", "Quux", "0199", "Hyrule", "12.3456", "uid-of", someone.token.slice(0, 40)])
    expect(text).not.toContain(secret)
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
  await expect(fetch(`${api.url}/health`)).rejects.toThrow()
})
