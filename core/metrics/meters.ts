import type { Config } from "../config.ts"
import type { Pool } from "../db.ts"
import type { Log } from "../log.ts"
import { type AdmissionFigures, measureAdmission } from "./admission.ts"
import { measureSealing, type ObserveSealFailure } from "./audit.ts"
import { type EventLogMeters, measureEventLog } from "./event-log.ts"
import { measureJobs, type ObserveJob } from "./jobs.ts"
import { Metrics, type ProcessName } from "./metrics.ts"
import { type PoolMeasures, PoolMeters } from "./pool.ts"
import { measureRequests, type ObserveRequest } from "./requests.ts"
import { measureRuntime } from "./runtime.ts"
import { measureSearchIndex, type SearchIndexFigures } from "./search-index.ts"
import { serveMetrics } from "./server.ts"
import { measureSockets, type SocketCounts, type SocketObserver } from "./sockets.ts"

/** What a process passes to its parts so that they are measured. Undefined where nothing is: what is off costs nothing. */
export type Meters = {
  /** The private port; undefined: metrics are off. */
  port: number | undefined
  /** The pool to use in place of the one given. */
  pool: (pool: Pool, measures: PoolMeasures) => Pool
  eventLog: (pool: Pool) => EventLogMeters | undefined
  requests: (active: () => number) => ObserveRequest | undefined
  sockets: (counts: SocketCounts) => SocketObserver | undefined
  jobs: () => ObserveJob | undefined
  sealing: () => ObserveSealFailure | undefined
  searchIndex: (figures: SearchIndexFigures) => void
  admission: (figures: AdmissionFigures) => void
  close: () => Promise<void>
}

const OFF: Meters = {
  port: undefined,
  pool: (pool) => pool,
  eventLog: () => undefined,
  requests: () => undefined,
  sockets: () => undefined,
  jobs: () => undefined,
  sealing: () => undefined,
  searchIndex: () => {},
  admission: () => {},
  close: async () => {},
}

/** Begins to measure this process and to serve what is measured, if a port is set for that. Each meter but `pool` is taken once. */
export function openMeters(config: Config["metrics"], process_: ProcessName, version: string, log: Log): Meters {
  if (!config) return OFF
  const metrics = new Metrics(process_, version)
  const server = serveMetrics(metrics, config)
  const endRuntime = measureRuntime(metrics)
  const pools = new PoolMeters(metrics)
  log.info({ port: server.port }, "metrics listening")
  return {
    port: server.port,
    pool: (pool, measures) => pools.measure(pool, measures),
    eventLog: (pool) => measureEventLog(metrics, pool),
    requests: (active) => measureRequests(metrics, active),
    sockets: (counts) => measureSockets(metrics, counts),
    jobs: () => measureJobs(metrics),
    sealing: () => measureSealing(metrics),
    searchIndex: (figures) => measureSearchIndex(metrics, figures),
    admission: (figures) => measureAdmission(metrics, figures),
    async close() {
      endRuntime()
      await server.stop()
    },
  }
}
