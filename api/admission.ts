/**
 * How many calls are served at once. Above that a call is refused at once, so that those who are served are served in time: without a
 * bound, all of an overload waits for the same connections to Postgres until nobody is answered before having given up.
 */
import { createMiddleware } from "hono/factory"
import { Refusal } from "../core/errors.ts"
import type { Env } from "./env.ts"

/**
 * For each connection to Postgres. At a few thousand calls a second it is a wait of some tenths of a second: long enough that a burst
 * fills every gap, short enough that a person waits for it.
 */
export const CALLS_PER_CONNECTION = 25
/** Those who are refused come back when what is being served has long been. */
const RETRY_AFTER_SECONDS = 1

export class Admission {
  #serving = 0

  constructor(private readonly max: number) {}

  get hasRoom(): boolean {
    return this.#serving < this.max
  }

  /** Whether there is room. Whoever is let in leaves again. */
  enter(): boolean {
    if (!this.hasRoom) return false
    this.#serving++
    return true
  }

  leave(): void {
    this.#serving--
  }
}

export const noRoom = () => new Refusal("unavailable", "Too many calls at once. Try again.", { retryAfterSeconds: RETRY_AFTER_SECONDS })

export function admitted(admission: Admission) {
  return createMiddleware<Env>(async (_, next) => {
    if (!admission.enter()) throw noRoom()
    try {
      await next()
    } finally {
      admission.leave()
    }
  })
}
