import { expect, test } from "bun:test"
import { Gauge } from "prom-client"
import { parseSeries, valueIn } from "../../tests/harness/metrics.ts"
import { measureJobs } from "./jobs.ts"
import { Metrics } from "./metrics.ts"
import { measureRequests } from "./requests.ts"
import { measureRuntime } from "./runtime.ts"

const open = () => new Metrics("worker", "1.2.3")
const read = async (metrics: Metrics) => parseSeries(await metrics.text())

/** A gauge that is set at each scrape. */
function gaugeOf(metrics: Metrics, name: string, value: () => Promise<number> | number): void {
  const gauge = new Gauge({ name, help: name, registers: [metrics.registry] })
  metrics.onScrape({ read: async () => gauge.set(await value()), forget: () => gauge.remove() })
}

test("it is said which process and version is measured", async () => {
  expect(valueIn(await read(open()), "target_info", { service_name: "pulsecal-worker", service_version: "1.2.3" })).toBe(1)
})

test("a reading that fails is missing until it succeeds again, and spoils no other", async () => {
  const metrics = open()
  let fails = false
  gaugeOf(metrics, "moody", () => (fails ? Promise.reject(new Error("away")) : 5))
  gaugeOf(metrics, "steady", () => 7)
  expect(valueIn(await read(metrics), "moody")).toBe(5)
  fails = true
  const without = await read(metrics)
  expect([valueIn(without, "moody"), valueIn(without, "steady")]).toEqual([undefined, 7])
  fails = false
  expect(valueIn(await read(metrics), "moody")).toBe(5)
})

test("a reading that hangs is left out, and the scrape is answered", async () => {
  const metrics = open()
  gaugeOf(metrics, "hanging", () => new Promise<number>(() => {}))
  gaugeOf(metrics, "steady", () => 7)
  const started = performance.now()
  const series = await read(metrics)
  expect(performance.now() - started).toBeLessThan(4_000)
  expect([valueIn(series, "hanging"), valueIn(series, "steady")]).toEqual([undefined, 7])
})

test("those who scrape at one time share one reading", async () => {
  const metrics = open()
  let readings = 0
  gaugeOf(metrics, "counted", async () => {
    await Bun.sleep(20)
    return ++readings
  })
  await Promise.all(Array.from({ length: 50 }, () => metrics.text()))
  expect(readings).toBe(1)
  expect(valueIn(await read(metrics), "counted")).toBe(2)
})

test("a blocked event loop shows in its delay, once", async () => {
  const metrics = open()
  const end = measureRuntime(metrics)
  await Bun.sleep(60)
  Bun.sleepSync(150)
  await Bun.sleep(60)
  const blocked = await read(metrics)
  expect(valueIn(blocked, "nodejs_eventloop_delay_max_seconds")).toBeGreaterThan(0.1)
  expect(valueIn(blocked, "nodejs_eventloop_delay_p50_seconds")).toBeLessThan(0.1)
  await Bun.sleep(60)
  expect(valueIn(await read(metrics), "nodejs_eventloop_delay_max_seconds")).toBeLessThan(0.1)
  end()
})

test("memory and processor time are those of the process", async () => {
  const metrics = open()
  const end = measureRuntime(metrics)
  const series = await read(metrics)
  expect(valueIn(series, "process_memory_usage_bytes")).toBeGreaterThan(10_000_000)
  const used = process.cpuUsage().user / 1e6
  expect(valueIn(series, "process_cpu_time_seconds_total", { cpu_mode: "user" })).toBeWithin(used / 2, used + 0.001)
  end()
})

test("whatever methods callers send, they make no more series than there are methods", async () => {
  const metrics = open()
  const observe = measureRequests(metrics, () => 3)
  for (let i = 0; i < 1_000; i++) observe(`METHOD-${i}`, undefined, 404, 0.001)
  observe("GET", "/api/v1/doctors/:id", 200, 0.02)
  const series = await read(metrics)
  const count = "http_server_request_duration_seconds_count"
  expect(valueIn(series, count, { http_request_method: "_OTHER", http_route: "unmatched", http_response_status_code: "404" })).toBe(1_000)
  expect(valueIn(series, count, { http_request_method: "GET", http_route: "/api/v1/doctors/:id" })).toBe(1)
  expect(valueIn(series, "http_server_active_requests")).toBe(3)
})

test("each attempt of a job counts under its outcome, and names have a bound", async () => {
  const metrics = open()
  const observe = measureJobs(metrics)
  observe("send-reminders", 0.3, "failed")
  observe("send-reminders", 0.2, "completed")
  for (let i = 0; i < 1_000; i++) observe(`job-${i}`, 0.1, "completed")
  const series = await read(metrics)
  const count = (labels: Record<string, string>) => valueIn(series, "pulsecal_job_duration_seconds_count", labels)
  expect(count({ job: "send-reminders", outcome: "failed" })).toBe(1)
  expect(count({ job: "send-reminders", outcome: "completed" })).toBe(1)
  expect(count({ job: "_OTHER", outcome: "completed" })).toBe(937)
  expect([...series.keys()].filter((key) => key.startsWith("pulsecal_job_duration_seconds_count"))).toHaveLength(66)
})
