/**
 * How many calls are let in at once. Above that a call is refused at once, so that those who are served are served in time: without a
 * bound, all of an overload waits for the same connections to Postgres until nobody is answered before having given up.
 */
import { createMiddleware } from "hono/factory"
import { Refusal } from "../core/errors.ts"
import type { Env } from "./env.ts"
import { WaitBound } from "./wait-bound.ts"

/** At most, for each connection to Postgres: as many as are done in some tenths of a second where there are a few thousand calls a second. */
export const CALLS_PER_CONNECTION = 25
/** Those who are refused come back when what is being served has long been. */
const RETRY_AFTER_SECONDS = 1

/** The bound on all that are in, who may still be sending their bodies, holds memory; that on those who are served, if there is one, holds time. */
export class Admission {
  #inside = 0

  constructor(
    private readonly max: number,
    private readonly waits = new WaitBound(max, max),
  ) {}

  static forConnections(connections: number): Admission {
    const max = connections * CALLS_PER_CONNECTION
    return new Admission(max, new WaitBound(connections, max))
  }

  get inside(): number {
    return this.#inside
  }

  get bound(): number {
    return this.waits.bound
  }

  get hasRoom(): boolean {
    return this.#inside < this.max && this.waits.hasRoom
  }

  /** Whether there is room. Whoever is let in leaves again. */
  enter(): boolean {
    if (!this.hasRoom) return false
    this.#inside++
    return true
  }

  leave(): void {
    this.#inside--
  }

  /** What is done for whoever was let in, once all of it has been sent. */
  async serve<T>(work: () => Promise<T>): Promise<T> {
    this.waits.begin()
    try {
      return await work()
    } finally {
      this.waits.end()
    }
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

export const served = (admission: Admission) => createMiddleware<Env>((_, next) => admission.serve(next))
