/** Nobody waits longer than this for an answer, whatever it is that does not answer us. */
import { createMiddleware } from "hono/factory"
import { Refusal } from "../core/errors.ts"
import { within } from "../core/time.ts"
import type { Env } from "./env.ts"

/** A little more than a statement has, for Postgres says more of what went wrong; less than a silent connection is kept. */
export const ANSWERED_WITHIN_MS = 12_000

export const LATE = Symbol("late")

/** What became of it is not known: an `Idempotency-Key` finds out. */
export const tooLate = () => new Refusal("unavailable", "The service did not answer in time. Try again.")

export const answeredInTime = createMiddleware<Env>(async (_, next) => {
  if ((await within(ANSWERED_WITHIN_MS, next(), LATE)) === LATE) throw tooLate()
})
