import { createMiddleware } from "hono/factory"
import { routePath } from "hono/route"
import type { Log } from "../core/log.ts"
import type { Env } from "./env.ts"

/** One line a request: the route's template rather than its path, and no query, body, header or address, so nothing personal. */
export function requestLog(log: Log) {
  return createMiddleware<Env>(async (c, next) => {
    const start = performance.now()
    await next()
    const ms = Math.round((performance.now() - start) * 1000) / 1000
    // After the handlers, the route is that of the one that answered.
    const line = { requestId: c.var.requestId, method: c.req.method, route: routePath(c), status: c.res.status, ms }
    // Balancers ask after our health every second; what they are told is in their own logs.
    if (line.route.startsWith("/health")) log.debug(line, "request")
    else if (line.status >= 500) log.error(line, "request")
    else log.info(line, "request")
  })
}
