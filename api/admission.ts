/**
 * How many calls are let in at once. Above that a call is refused at once, so that those who are served are served in time: without a
 * bound, all of an overload waits for the same connections to Postgres until nobody is answered before having given up.
 */
import { createMiddleware } from "hono/factory"
import { Refusal } from "../core/errors.ts"
import type { Env } from "./env.ts"
import { WAIT_MS, WaitBound } from "./wait-bound.ts"

/** At most, for each connection to Postgres: as many as are done in some tenths of a second where there are a few thousand calls a second. */
export const CALLS_PER_CONNECTION = 25
/** Enough for each to have its next calls waiting, and for bookings to be written in groups; who else was let in waits for a turn. */
export const TURNS_PER_CONNECTION = 5
/** Those who are refused come back when what is being served has long been. */
const RETRY_AFTER_SECONDS = 1

export class Admission {
  readonly #waiting: Waiting[] = []
  #serving = 0
  #atWork = 0
  #receiving = 0

  /**
   * At most `max` are served at once, `turns` of them at work, and as many as `max` may be sending their bodies: that bounds memory.
   * `waits` bounds time.
   */
  constructor(
    private readonly max: number,
    private readonly turns = max,
    private readonly waits = new WaitBound(max, max),
  ) {}

  static forConnections(connections: number): Admission {
    const max = connections * CALLS_PER_CONNECTION
    return new Admission(max, TURNS_PER_CONNECTION * connections, new WaitBound(connections, max))
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

  /**
   * What is done for a call once all of it has been sent, in its turn. 503 where there is no room, and in an overload for who has waited too
   * long: what is done for them would be late, and have others wait as well.
   */
  async serve<T>(work: () => Promise<T>): Promise<T> {
    if (!this.hasRoom) throw noRoom()
    this.#serving++
    this.waits.begin()
    let isDone = false
    try {
      await this.#turn()
      try {
        return await work()
      } finally {
        isDone = true
        this.#passTurn()
      }
    } finally {
      this.#serving--
      if (isDone) this.waits.end()
      else this.waits.giveUp()
    }
  }

  #turn(): Promise<void> | undefined {
    if (this.#atWork < this.turns) {
      this.#atWork++
      return undefined
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ sinceMs: performance.now(), resolve, reject })
    return promise
  }

  /** To the first who has not waited too long. */
  #passTurn(): void {
    const tooLongSinceMs = this.waits.isOverload ? performance.now() - WAIT_MS : Number.NEGATIVE_INFINITY
    let next = this.#waiting.shift()
    for (; next && next.sinceMs <= tooLongSinceMs; next = this.#waiting.shift()) next.reject(noRoom())
    if (next) next.resolve()
    else this.#atWork--
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

type Waiting = { sinceMs: number; resolve: () => void; reject: (refusal: Refusal) => void }

export const noRoom = () => new Refusal("unavailable", "Too many calls at once. Try again.", { retryAfterSeconds: RETRY_AFTER_SECONDS })

export const admitted = (admission: Admission) => createMiddleware<Env>((_, next) => admission.serve(next))
