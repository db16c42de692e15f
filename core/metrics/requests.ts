import { Gauge, Histogram } from "prom-client"
import { type Metrics, REQUEST_BUCKETS_S } from "./metrics.ts"

/** `route` is a route's template, or undefined for a path that none has. */
export type ObserveRequest = (method: string, route: string | undefined, status: number, seconds: number) => void

/** The methods that the conventions know; whatever else a caller sends is one value. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"])
const OTHER_METHOD = "_OTHER"
const NO_ROUTE = "unmatched"

/** `active` tells how many requests are being answered. */
export function measureRequests(metrics: Metrics, active: () => number): ObserveRequest {
  const duration = new Histogram({
    name: "http_server_request_duration_seconds",
    help: "Duration of HTTP requests, by the template of their route",
    labelNames: ["http_request_method", "http_route", "http_response_status_code"] as const,
    buckets: REQUEST_BUCKETS_S,
    registers: [metrics.registry],
  })
  const activeRequests = new Gauge({
    name: "http_server_active_requests",
    help: "HTTP requests that are being answered, forwarded long polls among them",
    registers: [metrics.registry],
  })
  metrics.onScrape({ read: () => activeRequests.set(active()), forget() {} })
  return (method, route, status, seconds) =>
    duration.observe(
      {
        http_request_method: METHODS.has(method) ? method : OTHER_METHOD,
        http_route: route ?? NO_ROUTE,
        http_response_status_code: status,
      },
      seconds,
    )
}
