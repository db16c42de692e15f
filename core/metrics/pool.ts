/**
 * How a pool is used. postgres.js keeps its queues to itself, so what is measured is what is handed to it and not answered yet: each such
 * query or transaction has a connection as long as there are connections, and the rest wait. What a connection does between two
 * queries, or how many are open and idle, it does not tell.
 */
import { Gauge, Histogram } from "prom-client"
import type { Pool } from "../db.ts"
import type { Metrics } from "./metrics.ts"

/** A query takes tens of microseconds at best, and its statement timeout at worst. */
const QUERY_BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export type PoolMeasures = { name: string; max: number }

/** The fields by which postgres.js 3.4.9 hands a query to its pool and settles it. A fragment has them too, and is never handed over. */
type Query = { handler: (query: unknown) => unknown; resolve: (rows: unknown) => void; reject: (error: unknown) => void }

function isQuery(made: unknown): made is Query {
  return made instanceof Promise && "handler" in made && "resolve" in made && "reject" in made
}

/** The same pool, measured. */
export function measurePool(metrics: Metrics, pool: Pool, { name, max }: PoolMeasures): Pool {
  let inFlight = 0
  const duration = measureUse(metrics, { name, max }, () => inFlight)
  const watch = (query: Query) => {
    const { handler, resolve, reject } = query
    query.handler = (self) => {
      inFlight++
      const start = performance.now()
      let settled = false
      const settle = () => {
        if (settled) return
        settled = true
        inFlight--
        duration.observe((performance.now() - start) / 1000)
      }
      query.resolve = (rows) => {
        settle()
        resolve(rows)
      }
      query.reject = (error) => {
        settle()
        reject(error)
      }
      return handler(self)
    }
  }
  const begin = async (...args: unknown[]) => {
    inFlight++
    try {
      return await (pool.begin as (...args: unknown[]) => Promise<unknown>)(...args)
    } finally {
      inFlight--
    }
  }
  return new Proxy(pool, {
    apply(target, self, args) {
      const made: unknown = Reflect.apply(target, self, args)
      if (isQuery(made)) watch(made)
      return made
    },
    get: (target, key) => (key === "begin" ? begin : Reflect.get(target, key)),
  })
}

function measureUse(metrics: Metrics, { name, max }: PoolMeasures, inFlight: () => number) {
  const registers = [metrics.registry]
  const labels = { db_client_connection_pool_name: name }
  const labelNames = Object.keys(labels)
  const used = new Gauge({
    name: "db_client_connection_count",
    help: "Connections in use",
    labelNames: [...labelNames, "db_client_connection_state"],
    registers,
  })
  const waiting = new Gauge({
    name: "db_client_connection_pending_requests",
    help: "Queries and transactions that wait for a connection",
    labelNames,
    registers,
  })
  new Gauge({ name: "db_client_connection_max", help: "Connections there may be", labelNames, registers }).set(labels, max)
  metrics.onScrape({
    read() {
      used.set({ ...labels, db_client_connection_state: "used" }, Math.min(inFlight(), max))
      waiting.set(labels, Math.max(0, inFlight() - max))
    },
    forget() {},
  })
  return new Histogram({
    name: "db_client_operation_duration_seconds",
    help: "Duration of queries outside transactions, with their wait for a connection",
    buckets: QUERY_BUCKETS_S,
    registers,
  })
}
