/** The problem answers that routes have in common: RFC 9457. */
import { z } from "zod"
import { EXAMPLES } from "../../core/examples.ts"
import { instantText } from "../../core/fields.ts"

export const Problem = z
  .object({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().meta({ description: "Safe to show." }),
    instance: z.string().meta({ description: "The path that was called." }),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .meta({ description: "Each broken rule and the field it is about." }),
    nextSlots: z
      .array(z.object({ start: instantText, end: instantText }))
      .max(3)
      .optional()
      .meta({ description: "With 409 on booking a time that is taken: free ones that come next." }),
  })
  .meta({ id: "Problem", description: "RFC 9457." })

type Known = { title: string; description: string; detail: string; errors?: { path: string; message: string }[] }

/** Each status with the words for the case that every route with such a problem shares. */
export const PROBLEMS: Record<number, Known> = {
  400: {
    title: "Bad Request",
    description: "The query breaks a rule, or the body is not JSON in UTF-8.",
    detail: "limit: must be a whole number from 1 to 100",
    errors: [{ path: "limit", message: "must be a whole number from 1 to 100" }],
  },
  401: { title: "Unauthorized", description: "No token, or one that is not valid (any more).", detail: "A bearer token is required." },
  403: { title: "Forbidden", description: "The caller's role may not do this.", detail: "This is for DOCTOR only." },
  404: {
    title: "Not Found",
    description: "It is not there, or not the caller's to see; which of the two is not told.",
    detail: "There is no such appointment.",
  },
  409: { title: "Conflict", description: "It conflicts with the present state.", detail: "That time is taken." },
  413: { title: "Content Too Large", description: "The body is larger than 1 MiB.", detail: "The body is larger than 1 MiB." },
  415: { title: "Unsupported Media Type", description: "The body is not JSON.", detail: "The body must be application/json." },
  422: {
    title: "Unprocessable Content",
    description: "The body breaks a rule or has an unknown field.",
    detail: "name: must not be blank",
    errors: [{ path: "name", message: "must not be blank" }],
  },
  429: { title: "Too Many Requests", description: "The caller's limit is used up.", detail: "Too many reads. Try again in 12 s." },
  503: {
    title: "Service Unavailable",
    description: "Something this needs does not answer now.",
    detail: "The service cannot answer now. Try again.",
  },
}

export function exampleProblem(status: number): Record<string, unknown> {
  const { title = "Error", detail = "", errors } = PROBLEMS[status] ?? {}
  return {
    type: "about:blank",
    title,
    status,
    detail,
    instance: `/api/v1/appointments/${EXAMPLES.appointmentId}`,
    ...(errors ? { errors } : {}),
  }
}

/** Statuses that come with `Retry-After`. */
export const RETRIED = new Set([429, 503])
