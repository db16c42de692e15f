import { Counter, Gauge, Histogram } from "prom-client"
import type { EventName } from "../events/catalog.ts"
import type { Metrics } from "./metrics.ts"

/** What a realtime process does, told by itself. */
export type SocketObserver = {
  /** An event left for this many sockets. */
  emitted: (name: EventName, sockets: number) => void
  /** A socket that was behind has been told this many events and is live. */
  replayed: (events: number) => void
  /** A socket was told that it missed events for good. */
  gap: () => void
  /** A handshake, or a new token, was turned away. */
  refused: (why: "unauthorized" | "forbidden" | "unavailable" | "malformed") => void
}

export type SocketCounts = { connections: () => number; sockets: () => number }

/** From nothing missed to a night's worth of a busy clinic. */
const REPLAY_BUCKETS_EVENTS = [0, 1, 5, 10, 50, 100, 500, 1_000, 10_000, 100_000]

export function measureSockets(metrics: Metrics, counts: SocketCounts): SocketObserver {
  const registers = [metrics.registry]
  const connections = new Gauge({ name: "pulsecal_realtime_connections", help: "Open connections of clients, signed in or not", registers })
  const sockets = new Gauge({ name: "pulsecal_realtime_sockets", help: "Sockets of signed-in people", registers })
  const labelNames = ["event"] as const
  const emits = new Counter({
    name: "pulsecal_realtime_emits_total",
    help: "Events that had a socket here to go to",
    labelNames,
    registers,
  })
  const deliveries = new Counter({ name: "pulsecal_realtime_deliveries_total", help: "Sockets that events went to", labelNames, registers })
  const replays = new Histogram({
    name: "pulsecal_realtime_replay_events",
    help: "Events told to a socket that was behind, until it was live",
    buckets: REPLAY_BUCKETS_EVENTS,
    registers,
  })
  const gaps = new Counter({ name: "pulsecal_realtime_gaps_total", help: "Times a socket was told that events are lost to it", registers })
  const refusals = new Counter({
    name: "pulsecal_realtime_refusals_total",
    help: "Handshakes and new tokens turned away",
    labelNames: ["reason"] as const,
    registers,
  })
  metrics.onScrape({
    read() {
      connections.set(counts.connections())
      sockets.set(counts.sockets())
    },
    forget() {},
  })
  return {
    emitted(event, count) {
      emits.inc({ event })
      deliveries.inc({ event }, count)
    },
    replayed: (events) => replays.observe(events),
    gap: () => gaps.inc(),
    refused: (reason) => refusals.inc({ reason }),
  }
}
