import { Gauge } from "prom-client"
import { HeldHistogram, type Series } from "./held-series.ts"
import { type Metrics, REQUEST_BUCKETS_S } from "./metrics.ts"

/** `route` is a route's template, or undefined for a path that none has. */
export type ObserveRequest = (method: string, route: string | undefined, status: number, seconds: number) => void

/** The methods that the conventions know; whatever else a caller sends is one value. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"])
const OTHER_METHOD = "_OTHER"
const LABELS = ["http_request_method", "http_route", "http_response_status_code"] as const
type Label = (typeof LABELS)[number]
const NO_ROUTE = "unmatched"

/** `active` tells how many requests are being answered. */
export function measureRequests(metrics: Metrics, active: () => number): ObserveRequest {
  const duration = new HeldHistogram(metrics, {
    name: "http_server_request_duration_seconds",
    help: "Duration of HTTP requests, by the template of their route",
    labelNames: LABELS,
    buckets: REQUEST_BUCKETS_S,
  })
  const activeRequests = new Gauge({
    name: "http_server_active_requests",
    help: "HTTP requests that are being answered, forwarded long polls among them",
    registers: [metrics.registry],
  })
  metrics.onScrape({ read: () => activeRequests.set(active()), forget() {} })
  const byStatus = new Map<number, Map<string, Map<string, Series<Label>>>>()
  const seriesOf = (method: string, route: string, status: number) =>
    byStatus
      .getOrInsertComputed(status, () => new Map())
      .getOrInsertComputed(route, () => new Map())
      .getOrInsertComputed(method, () =>
        duration.hold({ http_request_method: method, http_route: route, http_response_status_code: status }),
      )
  return (method, route, status, seconds) =>
    seriesOf(METHODS.has(method) ? method : OTHER_METHOD, route ?? NO_ROUTE, status).observe(seconds)
}
