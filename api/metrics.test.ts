import { afterAll, beforeAll, expect, test } from "bun:test"
import { startApi } from "../api/server.ts"
import { readConfig } from "../core/config.ts"
import { openLog } from "../core/log.ts"
import { clinicOf, person, request, type TestApi, testApi } from "../tests/harness/api.ts"
import { type Series, scrape, valueIn } from "../tests/harness/metrics.ts"
import { until } from "../tests/harness/services.ts"

let api: TestApi
let measured: ReturnType<typeof startApi>
beforeAll(async () => {
  api = await testApi()
  const config = readConfig({
    PORT: "0",
    HOST: "127.0.0.1",
    DATABASE_URL: api.database.url,
    REDIS_HOST: api.redis.config.host,
    REDIS_PORT: String(api.redis.config.port),
    AUTH_DEV_TOKENS: "1",
    METRICS_PORT: "0",
  })
  measured = startApi(config, openLog("api", "silent"))
  await until("the API is ready", () => measured.health.phase === "ready")
})
afterAll(async () => {
  await measured.stop()
  await api[Symbol.asyncDispose]()
})

const read = () => scrape(measured.metricsPort)
const COUNT = "http_server_request_duration_seconds_count"

function requests(series: Series, method: string, route: string, status: number): number {
  const labels = { http_request_method: method, http_route: route, http_response_status_code: String(status) }
  return valueIn(series, COUNT, labels) ?? 0
}

test("requests are counted by method, the template of the route that answered, and status", async () => {
  const { patient, doctor, doctorId } = await clinicOf(api)
  const caller = person(measured.url, patient.uid)
  const before = await read()
  await caller.get(`/doctors/${doctorId}`)
  await caller.get("/doctors/search?city=Paris")
  await caller.get(`/doctors/${Bun.randomUUIDv7()}`)
  await caller.post("/appointments", { doctorId: "nonsense" })
  await person(measured.url, doctor.uid).post("/appointments", {})
  await request(`${measured.url}/api/v1/me`)
  await request(`${measured.url}/api/v1/me`, { method: "DELETE" })
  await request(`${measured.url}/health`)
  const after = await read()
  const more = (method: string, route: string, status: number) =>
    requests(after, method, route, status) - requests(before, method, route, status)
  expect(more("GET", "/api/v1/doctors/:id", 200)).toBe(1)
  expect(more("GET", "/api/v1/doctors/search", 200)).toBe(1)
  expect(more("GET", "/api/v1/doctors/:id", 404)).toBe(1)
  expect(more("POST", "/api/v1/appointments", 422)).toBe(1)
  expect(more("POST", "/api/v1/appointments", 403)).toBe(1)
  expect(more("GET", "/api/v1/me", 401)).toBe(1)
  expect(more("DELETE", "unmatched", 405)).toBe(1)
  expect(more("GET", "/health", 200)).toBe(1)
})

test("ten thousand random paths, ids and queries make no more series than a few", async () => {
  const { patient } = await clinicOf(api)
  const { token } = person(measured.url, patient.uid)
  const headers = { authorization: `Bearer ${token}` }
  const before = (await read()).size
  const word = () => Math.random().toString(36).slice(2)
  const paths = [
    () => `/${word()}/${word()}`,
    () => `/api/v1/${word()}?${word()}=${word()}`,
    () => `/api/v1/doctors/${Bun.randomUUIDv7()}`,
    () => `/api/v1/doctors/${word()}/availability`,
    () => `/api/v1/doctors/search?name=${word()}`,
  ]
  for (let sent = 0; sent < 10_000; sent += 100) {
    const batch = Array.from({ length: 100 }, (_, i) => `${measured.url}${paths[i % paths.length]?.()}`)
    await Promise.all(batch.map(async (url, i) => (await fetch(url, i % 2 ? { headers } : {})).arrayBuffer()))
  }
  const after = await read()
  expect([...after].reduce((sum, [key, value]) => (key.startsWith(COUNT) ? sum + value : sum), 0)).toBeGreaterThan(10_000)
  // Five routes by two or three statuses, each with its buckets, sum and count.
  expect(after.size - before).toBeLessThan(12 * 17)
}, 30_000)

test("nothing of a person is in the text: no id, name, city or token", async () => {
  const { patient, doctorId, patientId, clinicId, slots } = await clinicOf(api)
  const caller = person(measured.url, patient.uid)
  await caller.patch("/patients/me", { name: "Zebedee Quill", city: "Zagreb" })
  await caller.post("/appointments", { doctorId, scheduledAt: slots[0]?.start, reason: "knee" })
  await caller.get("/notifications?limit=7")
  const text = await (await fetch(`http://127.0.0.1:${measured.metricsPort}/metrics`)).text()
  for (const personal of [patient.uid, doctorId, patientId, clinicId, "Zebedee", "Quill", "Zagreb", "knee", caller.token.slice(0, 40)])
    expect(text).not.toContain(personal)
  expect(text).toContain('http_route="/api/v1/notifications"')
})

test("the pool, admission, the publisher and the process are measured", async () => {
  await person(measured.url, "someone").post("/patients", { name: "Pat" })
  await until("it is published", async () => (valueIn(await read(), "pulsecal_publisher_events_total") ?? 0) > 0)
  const series = await read()
  expect(valueIn(series, "target_info", { service_name: "pulsecal-api" })).toBe(1)
  expect(valueIn(series, "db_client_connection_max", { db_client_connection_pool_name: "api" })).toBe(20)
  expect(valueIn(series, "db_client_operation_duration_seconds_count")).toBeGreaterThan(0)
  const admission = ["calls", "receiving", "max"].map((name) => valueIn(series, `pulsecal_admission_${name}`))
  expect(admission).toEqual([0, 0, 500])
  expect(valueIn(series, "pulsecal_publisher_lag_events")).toBe(0)
  expect(valueIn(series, "process_memory_usage_bytes")).toBeGreaterThan(0)
})

test("metrics are on their own port alone, and that port has nothing else", async () => {
  expect((await request(`${measured.url}/metrics`)).status).toBe(404)
  const own = `http://127.0.0.1:${measured.metricsPort}`
  for (const path of ["/", "/health", "/api/v1/me", "/metrics/"]) expect((await fetch(`${own}${path}`)).status).toBe(404)
  expect((await fetch(`${own}/metrics`, { method: "POST" })).status).toBe(405)
})
