/**
 * Entries of one process that go with no change: reads and refusals. They are committed in groups, as bookings
 * are, and each waits until its own is committed: no patient's data are answered before the log has it, whatever becomes of this
 * process. It does not wait for the disk (a millisecond of every read): the pool commits without. While Postgres is away there is nothing
 * to answer, either.
 */
import type { Pool } from "../db.ts"
import { Groups, type Waiting } from "../groups.ts"
import { insertEntries } from "./queries.ts"

/** Groups on their way at once, each on a connection of its own: while one is written, the next is gathered. */
export const GROUPS_MAX = 2
/** One statement of some milliseconds. */
const GROUP_SIZE_MAX = 500
/** A second of work and more; who comes after that is better told so at once. */
const WAITING_MAX = 20_000

const LIMITS = {
  groupsMax: GROUPS_MAX,
  sizeMax: GROUP_SIZE_MAX,
  waitingMax: WAITING_MAX,
  tooMany: "Too many are reading at once. Try again.",
}

export class Recorder {
  readonly #groups: Groups<string[], void>

  constructor(pool: Pool) {
    this.#groups = new Groups(LIMITS, (group) => commit(pool, group))
  }

  /** Resolves when the entries are committed. */
  record(entries: string[]): Promise<void> {
    return this.#groups.add(entries)
  }
}

async function commit(pool: Pool, group: Waiting<string[], void>[]): Promise<void> {
  try {
    await insertEntries(
      pool,
      group.flatMap((w) => w.asked),
    )
    for (const { resolve } of group) resolve()
  } catch (error) {
    for (const { reject } of group) reject(error)
  }
}
