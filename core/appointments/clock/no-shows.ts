import { SYSTEM } from "../../audit/entry.ts"
import type { Pool } from "../../db.ts"
import { moveAppointment } from "../move.ts"
import { findAppointment } from "../queries.ts"
import { listOverdue } from "./queries.ts"

const MINUTE_MS = 60_000
/** What one run takes on; the next one, minutes later, goes on. */
const APPOINTMENTS_MAX = 1_000

/**
 * Marks confirmed appointments whose end is more than `afterMinutes` past as NO_SHOW, by the move that the front desk makes, so that
 * all that follows from it follows. One that somebody moves meanwhile stays as they say. Returns how many were marked.
 */
export async function markNoShows(pool: Pool, afterMinutes: number, now: number): Promise<number> {
  let marked = 0
  for (const id of await listOverdue(pool, new Date(now - afterMinutes * MINUTE_MS), APPOINTMENTS_MAX)) {
    const before = await findAppointment(pool, id)
    if (before?.status !== "CONFIRMED") continue
    if (await pool.begin((tx) => moveAppointment(tx, before, "NO_SHOW", SYSTEM))) marked++
  }
  return marked
}
