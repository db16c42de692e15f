/** How far the publisher is behind the commits, and each consumer behind the log. */
import { Counter, Gauge, Histogram } from "prom-client"
import type { Pool } from "../db.ts"
import type { PublisherObserver } from "../events/publisher.ts"
import { countUnpublished, findLog } from "../events/queries.ts"
import type { Metrics } from "./metrics.ts"

/** Counting stops here: a larger backlog reads as this. */
const BACKLOG_MAX = 10_000
/** A healthy publication takes milliseconds, one after an outage as long as the outage. */
const DELAY_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60]

/** Who follows the log. */
export type ConsumerName = "realtime" | "worker" | "search"
/** The offset up to which a consumer has taken in the log; undefined: it has not begun. */
type ReadCursor = () => Promise<number | undefined> | number | undefined

export type EventLogMeters = {
  publisher: PublisherObserver
  /** Has its lag measured from now on. */
  consumer: (name: ConsumerName, cursor: ReadCursor) => void
}

export function measureEventLog(metrics: Metrics, pool: Pool): EventLogMeters {
  const cursors = new Map<ConsumerName, ReadCursor>()
  measureLags(metrics, pool, cursors)
  return {
    publisher: measurePublisher(metrics),
    consumer: (name, cursor) => void cursors.set(name, cursor),
  }
}

function measureLags(metrics: Metrics, pool: Pool, cursors: Map<ConsumerName, ReadCursor>): void {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [metrics.registry] })
  const head = gauge("pulsecal_event_log_head", "Offset of the newest published event")
  const lagEvents = gauge("pulsecal_publisher_lag_events", `Committed events that are not published yet, counted up to ${BACKLOG_MAX}`)
  const lagSeconds = gauge("pulsecal_publisher_lag_seconds", "For how long the oldest of them has waited")
  const consumerLag = new Gauge({
    name: "pulsecal_consumer_lag_events",
    help: "Published events that a consumer of the log has not taken in yet",
    labelNames: ["messaging_consumer_group_name"] as const,
    registers: [metrics.registry],
  })
  const forget = () => {
    for (const unlabelled of [head, lagEvents, lagSeconds]) unlabelled.remove()
    consumerLag.reset()
  }
  metrics.onScrape({
    async read() {
      const [log, backlog] = await Promise.all([findLog(pool), countUnpublished(pool, BACKLOG_MAX)])
      head.set(log.head)
      lagEvents.set(backlog.rows)
      lagSeconds.set(backlog.oldestSeconds)
      consumerLag.reset()
      for (const [name, read] of cursors) {
        const cursor = await read()
        // It may have read on since the head was looked at.
        if (cursor !== undefined) consumerLag.set({ messaging_consumer_group_name: name }, Math.max(0, log.head - cursor))
      }
    },
    forget,
  })
}

function measurePublisher(metrics: Metrics): PublisherObserver {
  const registers = [metrics.registry]
  const published = new Counter({ name: "pulsecal_publisher_events_total", help: "Events published by this process", registers })
  const delay = new Histogram({
    name: "pulsecal_publisher_delay_seconds",
    help: "From the write of an event to its publication, of the oldest event in each turn; as exact as the clocks of this machine and the database agree",
    buckets: DELAY_BUCKETS_S,
    registers,
  })
  const failures = new Counter({
    name: "pulsecal_publisher_failures_total",
    help: "Turns that failed, by what they could not write",
    labelNames: ["target"] as const,
    registers,
  })
  return {
    published(events, oldest) {
      published.inc(events)
      delay.observe(Math.max(0, Date.now() - oldest.getTime()) / 1000)
    },
    failed: (target) => failures.inc({ target }),
  }
}
