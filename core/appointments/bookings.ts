/** Bookings of one process, committed in groups: they share one statement, one commit and one wait for the disk, so that each costs a fraction. */
import { isLockTimeout, isRefused, isRetryable, type Pool, violates } from "../db.ts"
import { Groups, type Waiting } from "../groups.ts"
import { deleteExpiredAnswer } from "../idempotency/queries.ts"
import { type BookingOutcome, insertAppointments, type NewAppointment } from "./queries.ts"

/** Groups on their way at once, each on a connection of its own: while one waits for the disk, the other computes. */
export const GROUPS_MAX = 2
/** A larger group gains little and makes the first wait for the last. */
const GROUP_SIZE_MAX = 64
/** Several seconds of work at the rate measured; whoever comes after that is better told so at once. */
const WAITING_MAX = 5_000
/** One doctor or patient whose row is held up holds up a group no longer than this. */
const GROUP_LOCK_TIMEOUT_MS = 500
/** Alone one waits longer than a held-up group that may have its doctor's lock. */
const LOCK_TIMEOUT_MS = 3_000

/** Where one time was asked for twice, others soon will be: for so long all are booked in the way that bears it. */
const RIVALS_MS = 10_000

const LIMITS = {
  groupsMax: GROUPS_MAX,
  sizeMax: GROUP_SIZE_MAX,
  waitingMax: WAITING_MAX,
  tooMany: "Too many are booking at once. Try again.",
}

type Booking = Waiting<NewAppointment, BookingOutcome>

export class Bookings {
  readonly #groups = new Groups<NewAppointment, BookingOutcome>(LIMITS, (group) => this.#commit(group))
  /** By `performance.now()`. */
  #rivalsUntil = 0

  /**
   * `groupPool`: `GROUPS_MAX` connections for groups alone. Their sessions stay warm, as those of a large pool that takes turns cannot. What
   * is run again alone, and may wait for a lock that is held long, takes `pool`, so that it is in nobody's way.
   */
  constructor(
    private readonly pool: Pool,
    private readonly groupPool: Pool,
  ) {}

  /** Books with the next group. Resolves when it is committed. */
  book(asked: NewAppointment): Promise<BookingOutcome> {
    return this.#groups.add(asked)
  }

  async #commit(group: Booking[]): Promise<void> {
    try {
      const outcomes = await this.#insert(group.map((w) => w.asked))
      for (const [n, { resolve }] of group.entries()) resolve(outcomes[n] as BookingOutcome)
    } catch (error) {
      // The locks make deadlocks all but impossible; one that happens all the same is run again, and so is one whose key is in use. So is
      // each of a group alone, lest one that is at fault, or waits for a lock, fail the others. Without Postgres's own word that nothing
      // was committed nothing is run again.
      const again =
        isRefused(error) && (group.length > 1 || isRetryable(error) || isLockTimeout(error) || violates(error, "idempotency_keys_pkey"))
      await Promise.all(group.map((w) => (again ? this.#alone(w) : w.reject(error))))
    }
  }

  /** A time that is taken fails the group, which then is inserted again with what that takes: a sixth more work, that hardly any needs. */
  async #insert(asked: NewAppointment[]): Promise<BookingOutcome[]> {
    const insert = (mayBeTaken: boolean) => insertAppointments(this.groupPool, asked, GROUP_LOCK_TIMEOUT_MS, mayBeTaken)
    const mayBeTaken = performance.now() < this.#rivalsUntil
    try {
      return await insert(mayBeTaken)
    } catch (error) {
      if (mayBeTaken || !violates(error, "appointments_no_overlap")) throw error
      this.#rivalsUntil = performance.now() + RIVALS_MS
      return await insert(true)
    }
  }

  async #alone({ asked, resolve, reject }: Booking): Promise<void> {
    try {
      resolve(await this.#bookOne(asked))
    } catch (error) {
      reject(error)
    }
  }

  async #bookOne(asked: NewAppointment): Promise<BookingOutcome> {
    const attempt = async () => (await insertAppointments(this.pool, [asked], LOCK_TIMEOUT_MS, true))[0] as BookingOutcome
    try {
      return await attempt()
    } catch (error) {
      // The key's first answer was kept a moment ago, and is seen now; or long ago, and is removed.
      if (!asked.keyed || !violates(error, "idempotency_keys_pkey")) throw error
      await deleteExpiredAnswer(this.pool, asked.keyed)
      return await attempt()
    }
  }
}
