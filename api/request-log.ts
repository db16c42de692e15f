import type { Context } from "hono"
import { createMiddleware } from "hono/factory"
import { matchedRoutes } from "hono/route"
import { METHOD_NAME_ALL } from "hono/router"
import type { Log } from "../core/log.ts"
import type { ObserveRequest } from "../core/metrics/requests.ts"
import type { Env } from "./env.ts"
import { requestLines } from "./request-line.ts"

/** One line a request: the route's template rather than its path, and no query, body, header or address, so nothing personal. */
export function requestLog(log: Log, observe?: ObserveRequest) {
  const writeLine = requestLines(log)
  return createMiddleware<Env>(async (c, next) => {
    const start = performance.now()
    await next()
    const durationMs = performance.now() - start
    const { method } = c.req
    const { path, isTemplate } = answeredBy(c)
    observe?.(method, isTemplate ? path : undefined, c.res.status, durationMs / 1000)
    const line = { requestId: c.get("requestId"), method, route: path, status: c.res.status }
    const ms = Math.round(durationMs * 1000) / 1000
    // Balancers ask after our health every second; what they are told is in their own logs.
    if (path.startsWith("/health")) log.debug({ ...line, ms }, "request")
    else if (line.status >= 500) log.error({ ...line, ms }, "request")
    else writeLine({ ...line, durationMs })
  })
}

/** The route that the request came to last. Where that is one for all methods it is no endpoint but what surrounds them: nothing is there. */
export function answeredBy(c: Context): { method: string; path: string; isTemplate: boolean } {
  const route = matchedRoutes(c)[c.req.routeIndex]
  return { method: route?.method ?? "", path: route?.path ?? "", isTemplate: route !== undefined && route.method !== METHOD_NAME_ALL }
}
