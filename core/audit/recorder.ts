/**
 * Entries of one process that go with no change: reads and refusals. What is asked for while a group is on its way makes the next one, as
 * with bookings, and each waits until its own is committed: no patient's data are answered before the log has it, whatever becomes of this
 * process. It does not wait for the disk (a millisecond of every read): the pool commits without. While Postgres is away there is nothing
 * to answer, either.
 */
import type { Pool } from "../db.ts"
import { Refusal } from "../errors.ts"
import { insertEntries } from "./queries.ts"

/** Groups on their way at once, each on a connection of its own: while one is written, the next is gathered. */
export const GROUPS_MAX = 2
/** One statement of some milliseconds. */
const GROUP_SIZE_MAX = 500
/** A second of work and more; who comes after that is better told so at once. */
const WAITING_MAX = 20_000

type Waiting = { entries: string[]; resolve: () => void; reject: (error: unknown) => void }

export class Recorder {
  readonly #waiting: Waiting[] = []
  #groups = 0

  constructor(private readonly pool: Pool) {}

  /** Resolves when the entries are committed. */
  record(entries: string[]): Promise<void> {
    if (this.#waiting.length >= WAITING_MAX)
      throw new Refusal("unavailable", "Too many are reading at once. Try again.", { retryAfterSeconds: 1 })
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries, resolve, reject })
      this.#next()
    })
  }

  #next(): void {
    if (this.#groups >= GROUPS_MAX || this.#waiting.length === 0) return
    this.#groups++
    this.#commit(this.#waiting.splice(0, GROUP_SIZE_MAX)).finally(() => {
      this.#groups--
      this.#next()
    })
  }

  async #commit(group: Waiting[]): Promise<void> {
    try {
      await insertEntries(
        this.pool,
        group.flatMap((w) => w.entries),
      )
      for (const { resolve } of group) resolve()
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }
}
