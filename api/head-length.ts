import { createMiddleware } from "hono/factory"
import type { Env } from "./env.ts"

/**
 * A HEAD is told the length that the same GET would have (RFC 9110, 8.6). The framework takes the body away, and the server would tell the
 * length of what is left.
 */
export const headLength = createMiddleware<Env>(async (c, next) => {
  await next()
  if (c.req.method !== "HEAD") return
  const body = await c.res.clone().arrayBuffer()
  c.header("Content-Length", String(body.byteLength))
})
