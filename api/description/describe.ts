/**
 * What a route says of itself. It stands on the very handlers that do it: the validator carries its schema, the guard whom it lets
 * pass, so that neither the check nor its description exists alone.
 */
import type { MiddlewareHandler } from "hono"
import type { z } from "zod"
import type { Role } from "../../core/auth/principal.ts"

/** Sections of the description, in the order in which a newcomer needs them. */
export const TAGS = {
  Identity: "Who is calling. The first call of a signed-in person makes their profile, and that decides the role.",
  Doctors: "Finding a doctor, and a doctor's own profile and figures.",
  Appointments: "Booking, and everything that happens to a booking.",
  Payments: "Of visits, by card, in cash or by insurance.",
  "Front desk": "Receptionists, the day at the clinic and its waiting room.",
  Notifications: "What the caller's sockets have heard, over REST.",
  Operations: "For balancers, tools and readers; no token needed.",
} as const
export type Tag = keyof typeof TAGS

export type Answer = {
  /** JSON of this shape; undefined: see `mediaType`. */
  schema?: z.ZodType
  description?: string
  mediaType?: string
}

export type Operation = {
  /** Unique, and the name of the call in generated clients. */
  id: string
  tag: Tag
  summary: string
  description?: string
  answers: Record<number, Answer>
  /** When this route gives which problem, beyond what its validators and guards say of themselves. */
  problems?: Record<number, string>
  /** Of parameters in the path that are not UUIDs. */
  path?: Record<string, z.ZodType>
}

export type Part = {
  operation?: Operation
  /** Roles that may call; "anyone": whoever is signed in. Left out: no token is needed. */
  caller?: "anyone" | readonly Role[]
  body?: z.ZodType
  query?: z.ZodObject
}

const PART = Symbol("description")

/** The handler itself, and what it says. */
export function saying<H extends object>(handler: H, part: Part): H {
  return Object.assign(handler, { [PART]: part })
}

export function partOf(handler: object): Part | undefined {
  return (handler as { [PART]?: Part })[PART]
}

/** Names a route and its answers. */
export function operation(said: Operation): MiddlewareHandler {
  return saying((_, next) => next(), { operation: said })
}
