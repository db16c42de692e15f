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

export class Admission {
  #serving = 0
  #receiving = 0

  /** At most `max` are served at once, and as many again may be sending their bodies: that bounds memory. `waits` bounds time. */
  constructor(
    private readonly max: number,
    private readonly waits = new WaitBound(max, max),
  ) {}

  static forConnections(connections: number): Admission {
    const max = connections * CALLS_PER_CONNECTION
    return new Admission(max, new WaitBound(connections, max))
  }

  get serving(): number {
    return this.#serving
  }

  get receiving(): number {
    return this.#receiving
  }

  get bound(): number {
    return this.waits.bound
  }

  get hasRoom(): boolean {
    return this.#serving < this.max && this.waits.hasRoom
  }

  /** What is done for a call once all of it has been sent; 503 where there is no room. */
  async serve<T>(work: () => Promise<T>): Promise<T> {
    if (!this.hasRoom) throw noRoom()
    this.#serving++
    this.waits.begin()
    try {
      return await work()
    } finally {
      this.waits.end()
      this.#serving--
    }
  }

  /** Takes in a body, for which its sender may need long: that takes nobody's turn. 503 where too many are at it. */
  async receive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#receiving >= this.max) throw noRoom()
    this.#receiving++
    try {
      return await work()
    } finally {
      this.#receiving--
    }
  }
}

export const noRoom = () => new Refusal("unavailable", "Too many calls at once. Try again.", { retryAfterSeconds: RETRY_AFTER_SECONDS })

export const admitted = (admission: Admission) => createMiddleware<Env>((_, next) => admission.serve(next))
