/** One broken rule: where, as a path such as `workingHours.mon.0`, and what, in words that are safe to show. */
export type Issue = { path: string; message: string }

export type RefusalCode =
  | "malformed" // 400
  | "unauthorized" // 401
  | "forbidden" // 403
  | "not_found" // 404
  | "conflict" // 409
  | "too_large" // 413
  | "unsupported_media_type" // 415
  | "invalid" // 422
  | "rate_limited" // 429
  | "unavailable" // 503

type RefusalOptions = {
  issues?: Issue[]
  /** Further members of the problem answer, safe to show (RFC 9457, section 3.2). */
  extensions?: Record<string, unknown>
  retryAfterSeconds?: number
  cause?: unknown
}

/** A "no" with a reason that is safe to show. Anything else that is thrown is a bug, answered by a fixed 500. */
export class Refusal extends Error {
  override name = "Refusal"
  readonly issues?: Issue[]
  readonly extensions?: Record<string, unknown>
  readonly retryAfterSeconds?: number

  constructor(
    readonly code: RefusalCode,
    message: string,
    options: RefusalOptions = {},
  ) {
    super(message, { cause: options.cause })
    this.issues = options.issues
    this.extensions = options.extensions
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

export const notFound = (what: string) => new Refusal("not_found", `There is no such ${what}.`)
export const forbidden = (message: string) => new Refusal("forbidden", message)
export const conflict = (message: string, options?: RefusalOptions) => new Refusal("conflict", message, options)
/** A body that parses but breaks a rule; names the field. */
export const invalid = (path: string, message: string, cause?: unknown) =>
  new Refusal("invalid", `${path}: ${message}`, { issues: [{ path, message }], cause })
