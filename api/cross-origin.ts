/** What pages of other origins may ask and read (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol). */
import type { MiddlewareHandler } from "hono"
import { cors } from "hono/cors"
import type { Env } from "./env.ts"

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH"]
const EXPOSED_HEADERS = ["X-Request-Id", "RateLimit", "RateLimit-Policy", "Retry-After", "Idempotency-Replayed"].join(",")
/** Browsers ask again after this. */
const PREFLIGHT_MAX_AGE_SECONDS = 600

/**
 * Preflights are the library's. To any other call it would answer before there is an answer, which the framework then makes three times:
 * a tenth of what a booking costs the process. Headers that are only noted down go into the one answer.
 */
export function crossOrigin(origins: string[]): MiddlewareHandler<Env> {
  const isAny = origins.includes("*")
  const preflight = cors({
    origin: isAny ? "*" : origins,
    allowMethods: METHODS,
    maxAge: PREFLIGHT_MAX_AGE_SECONDS,
    exposeHeaders: [EXPOSED_HEADERS],
  })
  return async (c, next) => {
    if (c.req.method === "OPTIONS") return await preflight(c, next)
    const origin = c.req.header("origin")
    if (isAny) c.header("Access-Control-Allow-Origin", "*")
    else if (origin !== undefined && origins.includes(origin)) c.header("Access-Control-Allow-Origin", origin)
    c.header("Access-Control-Expose-Headers", EXPOSED_HEADERS)
    if (!isAny) c.header("Vary", "Origin")
    await next()
  }
}
