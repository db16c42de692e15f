import { afterAll, beforeAll, expect, test } from "bun:test"
import { doctorInput, person } from "./harness/api.ts"
import { type Series, scrape, valueIn } from "./harness/metrics.ts"
import { freePort, until } from "./harness/services.ts"
import { listen, type TestSystem, testSystem } from "./harness/system.ts"

let system: TestSystem
beforeAll(async () => {
  system = await testSystem()
}, 30_000)
afterAll(() => system[Symbol.asyncDispose]())

const read = (name: keyof TestSystem["metricsPorts"]): Promise<Series> => scrape(system.metricsPorts[name])

test("each process serves its own metrics on its private port, and none on the public one", async () => {
  for (const name of ["api", "worker", "realtime"] as const) {
    const series = await read(name)
    expect(valueIn(series, "target_info", { service_name: `pulsecal-${name}` })).toBe(1)
    expect(valueIn(series, "db_client_connection_max", { db_client_connection_pool_name: name })).toBeGreaterThan(0)
    expect(valueIn(series, "process_memory_usage_bytes")).toBeGreaterThan(0)
    expect(valueIn(series, "process_uptime_seconds")).toBeGreaterThan(0)
    expect(valueIn(series, "pulsecal_publisher_lag_events")).toBeDefined()
  }
  expect((await fetch(`${system.url}/metrics`)).status).toBe(404)
})

test("a change is seen on its way: the request, its publication, its delivery, and nobody left behind", async () => {
  const patient = person(system.url, "pat")
  const { token } = patient
  expect((await patient.post("/patients", { name: "Pat", city: "Oslo" })).status).toBe(201)
  await using client = await listen(system.url, token)
  const doctor = person(system.url, "doc")
  expect((await doctor.post("/doctors", { ...doctorInput, city: "Oslo" })).status).toBe(201)
  await until("the patient hears of the doctor", () => client.named("doctor:new").length === 1)

  const created = { http_request_method: "POST", http_route: "/api/v1/doctors", http_response_status_code: "201" }
  expect(valueIn(await read("api"), "http_server_request_duration_seconds_count", created)).toBe(1)
  const published = async () =>
    (valueIn(await read("api"), "pulsecal_publisher_events_total") ?? 0) +
    (valueIn(await read("worker"), "pulsecal_publisher_events_total") ?? 0)
  expect(await published()).toBeGreaterThanOrEqual(3)
  const realtime = await read("realtime")
  expect(valueIn(realtime, "pulsecal_realtime_deliveries_total", { event: "doctor:new" })).toBe(1)
  expect(valueIn(realtime, "pulsecal_realtime_sockets")).toBe(1)
  for (const name of ["realtime", "worker"] as const)
    await until(`${name} has taken it in`, async () => {
      return valueIn(await read(name), "pulsecal_consumer_lag_events", { messaging_consumer_group_name: name }) === 0
    })
})

test("a job is seen with its duration and its outcome", async () => {
  const [patient, doctor] = [person(system.url, "jo"), person(system.url, "ada")]
  await patient.post("/patients", { name: "Jo" })
  const { body: profile } = await doctor.post("/doctors", doctorInput)
  const day = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 10)
  const { body } = await patient.get(`/doctors/${profile.id}/availability?date=${day}`)
  expect((await patient.post("/appointments", { doctorId: profile.id, scheduledAt: body.slots[0].start })).status).toBe(201)
  const labels = { job: "recompute-rollups", outcome: "completed" }
  await until(
    "the rollups are computed",
    async () => (valueIn(await read("worker"), "pulsecal_job_duration_seconds_count", labels) ?? 0) > 0,
  )
  expect(valueIn(await read("worker"), "pulsecal_job_duration_seconds_sum", labels)).toBeGreaterThan(0)
})

test("a job that fails is counted as such, each attempt", async () => {
  const { pool } = system.database
  const labels = { job: "recompute-rollups", outcome: "failed" }
  const failures = async () => valueIn(await read("worker"), "pulsecal_job_duration_seconds_count", labels) ?? 0
  await pool`alter table doctor_days rename to doctor_days_away`
  await pool`insert into rollups_due (doctor_id, every_day) select id, true from doctors limit 1`
  await until("two attempts have failed", async () => (await failures()) >= 2, 15_000)
  await pool`alter table doctor_days_away rename to doctor_days`
  await until("the work is done", async () => (await pool`select from rollups_due`).length === 0, 15_000)
}, 40_000)

/** The names that dashboards are made of, in OpenTelemetry's spelling where its conventions have one. */
const EVERYWHERE = [
  ...["db_client_connection_count", "db_client_connection_pending_requests", "db_client_connection_max"],
  ...["db_client_operation_duration_seconds_count", "pulsecal_publisher_lag_events", "pulsecal_publisher_lag_seconds"],
  ...["pulsecal_event_log_head", "process_memory_usage_bytes", "process_cpu_time_seconds_total", "process_uptime_seconds"],
  ...["min", "max", "mean", "p50", "p90", "p99"].map((which) => `nodejs_eventloop_delay_${which}_seconds`),
]
const OWN = {
  api: ["http_server_request_duration_seconds_count", "http_server_active_requests", "pulsecal_publisher_events_total"],
  worker: [
    ...["pulsecal_consumer_lag_events", "pulsecal_job_duration_seconds_count", "pulsecal_publisher_events_total"],
    "pulsecal_audit_seal_failures_total",
  ],
  realtime: [
    ...["pulsecal_consumer_lag_events", "pulsecal_realtime_sockets", "pulsecal_realtime_connections"],
    ...["pulsecal_realtime_emits_total", "pulsecal_realtime_deliveries_total"],
  ],
}

test("nothing that was promised is missing anywhere, and no label holds an id or a path that is no template", async () => {
  const someone = person(system.url, "someone")
  await someone.post("/patients", { name: "Some", city: "Bergen" })
  await using client = await listen(system.url, someone.token)
  await person(system.url, "another").post("/doctors", { ...doctorInput, city: "Bergen" })
  await until("it is heard", () => client.named("doctor:new").length === 1)
  for (const name of ["api", "worker", "realtime"] as const) {
    const names = async () => new Set([...(await read(name)).keys()].map((key) => key.replace(/\{.*/, "")))
    const missing = async () => [...EVERYWHERE, ...OWN[name]].filter((metric) => !all.has(metric))
    let all = await names()
    await until(`${name} tells everything`, async () => {
      all = await names()
      return (await missing()).length === 0
    }).catch(async () => expect([name, await missing()]).toEqual([name, []]))
    for (const key of (await read(name)).keys()) {
      expect(key).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/)
      const route = /http_route="([^"]*)"/.exec(key)?.[1]
      if (route) expect(route).toMatch(/^(unmatched|\/health(\/ready)?|\/openapi\.json|\/socket\.io\/|(\/(:?[a-zA-Z]+|v1))+)$/)
    }
  }
})

test("a process whose metrics port is taken does not start, and says which", async () => {
  const taken = system.metricsPorts.api
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/../api/main.ts`], {
    env: {
      PATH: process.env.PATH ?? "",
      DATABASE_URL: system.database.url,
      REDIS_HOST: "127.0.0.1",
      PORT: String(await freePort()),
      HOST: "127.0.0.1",
      METRICS_PORT: String(taken),
    },
    stdio: ["ignore", "pipe", "pipe"],
  })
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  expect(code).not.toBe(0)
  expect(out + err).toContain(String(taken))
})

test("what is broken is missing or counted, and comes back by itself", async () => {
  await system.redis.kill()
  await person(system.url, "sam").post("/patients", { name: "Sam" })
  const failed = async () => {
    const series = [await read("api"), await read("worker")]
    return series.some((s) => (valueIn(s, "pulsecal_publisher_failures_total", { target: "stream" }) ?? 0) > 0)
  }
  await until("a failed turn is counted", failed, 10_000)
  await system.redis.start()
  await until("the lag is none", async () => valueIn(await read("worker"), "pulsecal_publisher_lag_events") === 0, 10_000)
}, 30_000)
