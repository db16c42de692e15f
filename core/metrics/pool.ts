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

const labelsOf = (name: string) => ({ db_client_connection_pool_name: name })
const LABEL_NAMES = Object.keys(labelsOf(""))

/** The use of all pools of a process, each by its name. */
export class PoolMeters {
  readonly #max: Gauge
  readonly #duration: Histogram
  readonly #uses: { measures: PoolMeasures; use: Use }[] = []

  constructor(metrics: Metrics) {
    const registers = [metrics.registry]
    const used = new Gauge({
      name: "db_client_connection_count",
      help: "Connections in use",
      labelNames: [...LABEL_NAMES, "db_client_connection_state"],
      registers,
    })
    const waiting = new Gauge({
      name: "db_client_connection_pending_requests",
      help: "Queries and transactions that wait for a connection",
      labelNames: LABEL_NAMES,
      registers,
    })
    this.#max = new Gauge({ name: "db_client_connection_max", help: "Connections there may be", labelNames: LABEL_NAMES, registers })
    this.#duration = new Histogram({
      name: "db_client_operation_duration_seconds",
      help: "Duration of queries outside transactions, with their wait for a connection",
      buckets: QUERY_BUCKETS_S,
      registers,
    })
    metrics.onScrape({
      read: () => {
        for (const { measures, use } of this.#uses) {
          const labels = labelsOf(measures.name)
          used.set({ ...labels, db_client_connection_state: "used" }, Math.min(use.inFlight, measures.max))
          waiting.set(labels, Math.max(0, use.inFlight - measures.max))
        }
      },
      forget() {},
    })
  }

  /** The same pool, measured. */
  measure(pool: Pool, measures: PoolMeasures): Pool {
    const use = new Use(this.#duration)
    this.#uses.push({ measures, use })
    this.#max.set(labelsOf(measures.name), measures.max)
    const begin = (...args: unknown[]) => use.during(() => (pool.begin as (...args: unknown[]) => Promise<unknown>)(...args))
    const unsafe = (...args: Parameters<Pool["unsafe"]>) => use.watched(Reflect.apply(pool.unsafe, pool, args))
    const members = new Map<string | symbol, unknown>(Object.entries({ begin, unsafe }))
    return new Proxy(pool, {
      apply: (target, self, args) => use.watched(Reflect.apply(target, self, args)),
      get: (target, key) => members.get(key) ?? Reflect.get(target, key),
    })
  }
}

/** What is under way in one pool. */
class Use {
  inFlight = 0

  constructor(private readonly duration: Histogram) {}

  /** Whatever was made by the pool; a query is measured from when it is handed over until it is settled. */
  watched<Made>(made: Made): Made {
    if (isQuery(made)) this.#watch(made)
    return made
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.inFlight++
    try {
      return await work()
    } finally {
      this.inFlight--
    }
  }

  #watch(query: Query): void {
    const { handler, resolve, reject } = query
    query.handler = (self) => {
      this.inFlight++
      const start = performance.now()
      let settled = false
      const settle = () => {
        if (settled) return
        settled = true
        this.inFlight--
        this.duration.observe((performance.now() - start) / 1000)
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
}
