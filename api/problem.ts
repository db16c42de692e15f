/** Problem answers, RFC 9457. The one place where errors become HTTP. */
import type { Context } from "hono"
import { HTTPException } from "hono/http-exception"
import { maskCardNumbers } from "../core/card-number.ts"
import { isUnavailable } from "../core/db.ts"
import { Refusal, type RefusalCode } from "../core/errors.ts"
import type { Log } from "../core/log.ts"

const statuses = {
  malformed: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  unsupported_media_type: 415,
  invalid: 422,
  rate_limited: 429,
  unavailable: 503,
} as const satisfies Record<RefusalCode, number>

const titles: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
}

/** When a dependency is down: long enough for a restart, short enough for a person. */
const RETRY_AFTER_SECONDS = 2

export const PROBLEM_TYPE = "application/problem+json"

type Problem = { status: number; detail: string; headers?: Record<string, string>; members?: Record<string, unknown> }

export function problem(c: Context, { headers, ...said }: Problem): Response {
  return c.body(problemText(said, new URL(c.req.url).pathname), said.status as 400, { "content-type": PROBLEM_TYPE, ...headers })
}

export function problemText({ status, detail, members }: Omit<Problem, "headers">, path: string): string {
  const body = { type: "about:blank", title: titles[status] ?? "Error", status, detail, instance: path, ...members }
  // A path or a field's name is told back as it was sent, whatever was sent.
  return maskCardNumbers(JSON.stringify(body))
}

/** Of a refusal, what is told. */
type Said = Pick<Refusal, "code" | "message" | "issues" | "extensions" | "retryAfterSeconds">

/** What a thrown error answers. A bug says nothing of itself; the log has the rest under the request's id. */
export function problemOf(error: unknown, c: Context, log: Log): Response {
  if (error instanceof Refusal) return problem(c, refused(error))
  if (error instanceof HTTPException)
    return problem(c, {
      status: error.status,
      detail: error.status === 400 ? "The body is not JSON." : (titles[error.status] ?? "The request cannot be served."),
    })
  // A client that hangs up amid its body, or sends one that is cut into no chunks: not our bug, and nobody is left to read the answer.
  if (isAborted(error, c)) return problem(c, refused(new Refusal("malformed", "The body broke off.")))
  if (isUnavailable(error)) {
    log.warn({ err: error, requestId: c.get("requestId") }, "the database does not answer")
    return problem(c, refused(new Refusal("unavailable", "The service cannot answer now. Try again.")))
  }
  log.error({ err: error, requestId: c.get("requestId") }, "a bug answered 500")
  return problem(c, { status: 500, detail: "Something went wrong on our side." })
}

function isAborted(error: unknown, c: Context): boolean {
  return c.req.raw.signal.aborted && error instanceof Error && error.name === "AbortError"
}

export function refused(refusal: Said): Problem {
  const headers: Record<string, string> = {}
  const retryAfter = refusal.retryAfterSeconds ?? (refusal.code === "unavailable" ? RETRY_AFTER_SECONDS : undefined)
  if (retryAfter !== undefined) headers["retry-after"] = String(retryAfter)
  if (refusal.code === "unauthorized") headers["www-authenticate"] = "Bearer"
  return {
    status: statuses[refusal.code],
    detail: refusal.message,
    headers,
    members: { ...(refusal.issues ? { errors: refusal.issues } : {}), ...refusal.extensions },
  }
}
