import { afterAll, beforeAll, expect, test } from "bun:test"
import { TestLog } from "../../tests/harness/event-log.ts"
import { parseSeries, valueIn } from "../../tests/harness/metrics.ts"
import { until } from "../../tests/harness/services.ts"
import { openPool } from "../db.ts"
import { Publisher } from "../events/publisher.ts"
import { follow } from "../events/stream.ts"
import { openLog } from "../log.ts"
import { measureEventLog } from "./event-log.ts"
import { Metrics } from "./metrics.ts"

const quiet = openLog("test", "silent")
let log: TestLog
beforeAll(async () => {
  log = await TestLog.open()
})
afterAll(() => log[Symbol.asyncDispose]())

async function setUp() {
  const metrics = new Metrics("worker", "1")
  const meters = measureEventLog(metrics, log.pool)
  const session = log.session()
  const redis = await log.redis("publisher")
  const publisher = new Publisher({ session, redis, log: quiet, streamMaxEvents: 100, observer: meters.publisher })
  const read = async (name: string, labels = {}) => valueIn(parseSeries(await metrics.text()), name, labels)
  return { meters, publisher, read, redis }
}

test("the publisher's lag is the rows that wait and the age of the oldest, and what it publishes is counted with its delay", async () => {
  const { publisher, read } = await setUp()
  const before = (await read("pulsecal_event_log_head")) ?? Number.NaN
  expect([await read("pulsecal_publisher_lag_events"), await read("pulsecal_publisher_lag_seconds")]).toEqual([0, 0])
  await log.announce(3)
  await Bun.sleep(60)
  expect(await read("pulsecal_publisher_lag_events")).toBe(3)
  expect(await read("pulsecal_publisher_lag_seconds")).toBeWithin(0.06, 5)
  await publisher.sweep()
  expect([await read("pulsecal_publisher_lag_events"), await read("pulsecal_publisher_lag_seconds")]).toEqual([0, 0])
  expect(await read("pulsecal_event_log_head")).toBe(before + 3)
  expect(await read("pulsecal_publisher_events_total")).toBe(3)
  expect(await read("pulsecal_publisher_delay_seconds_count")).toBe(1)
  expect(await read("pulsecal_publisher_delay_seconds_sum")).toBeWithin(0.06, 5)
  await publisher.close()
})

test("a consumer's lag is what it has not taken in, also while it is busy with a batch", async () => {
  const { meters, publisher, read, redis } = await setUp()
  const after = await log.head()
  const lag = () => read("pulsecal_consumer_lag_events", { messaging_consumer_group_name: "worker" })
  expect(await lag()).toBeUndefined()
  const gate = Promise.withResolvers<void>()
  const abort = new AbortController()
  const reader = await log.redis("reader", true)
  let cursor: number | undefined
  meters.consumer("worker", () => cursor)
  const consuming = (async () => {
    for await (const batch of follow({ pool: log.pool, redis: reader, log: quiet, after, signal: abort.signal })) {
      await gate.promise
      cursor = batch.kind === "gap" ? batch.to : batch.events.at(-1)?.offset
    }
  })()
  expect(await lag()).toBeUndefined()
  cursor = after
  expect(await lag()).toBe(0)
  await log.announce(4)
  await publisher.sweep()
  expect(await lag()).toBe(4)
  gate.resolve()
  await until("it has caught up", async () => (await lag()) === 0)
  abort.abort()
  await consuming
  redis.disconnect()
  await publisher.close()
})

test("a stream that cannot be written is counted, and so is a log that cannot be", async () => {
  const { meters, read } = await setUp()
  const redis = await log.redis("broken")
  const session = log.session()
  const publisher = new Publisher({ session, redis, log: quiet, streamMaxEvents: 100, observer: meters.publisher })
  redis.disconnect()
  await log.announce()
  await publisher.sweep()
  expect(await read("pulsecal_publisher_failures_total", { target: "stream" })).toBe(1)
  await session.end()
  await publisher.sweep()
  expect(await read("pulsecal_publisher_failures_total", { target: "log" })).toBe(1)
  await publisher.close()
})

test("while Postgres is away the lags are missing: nobody takes an old figure for the present", async () => {
  const metrics = new Metrics("worker", "1")
  const away = openPool("postgres://127.0.0.1:1/none", { max: 1, name: "test" })
  const { consumer } = measureEventLog(metrics, away)
  consumer("worker", () => 5)
  const series = parseSeries(await metrics.text())
  for (const name of [
    "pulsecal_event_log_head",
    "pulsecal_publisher_lag_events",
    "pulsecal_publisher_lag_seconds",
    "pulsecal_consumer_lag_events",
  ])
    expect(valueIn(series, name)).toBeUndefined()
  await away.end({ timeout: 0 })
})
