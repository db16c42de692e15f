/** A queue is of its day: who is still in it when the day ends at the clinic is in it no longer. */
import type { Pool } from "../db.ts"
import { dayOf, startOfDay } from "../doctors/schedule/zone.ts"
import { announceQueue } from "./announce.ts"
import { deleteLapsed, listLapsedClinics, lockQueue } from "./queries.ts"

/** Midnight does not send home who came shortly before. */
const LINGER_MS = 4 * 60 * 60 * 1000
/** Clinics swept in one call; the next call goes on. */
const CLINICS_MAX = 1_000

/** When an entry of `now` leaves the queue by itself: at the end of the day in the clinic's zone, and not within a few hours. */
export function lapseOf(now: Date, timezone: string): Date {
  const tomorrow = Temporal.PlainDate.from(dayOf(now.getTime(), timezone)).add({ days: 1 })
  return new Date(Math.max(startOfDay(tomorrow, timezone).epochMilliseconds, now.getTime() + LINGER_MS))
}

/** Tells the clinics whose day has ended; nobody reads or calls a lapsed entry meanwhile. Returns how many were told. */
export async function sweepQueues(pool: Pool): Promise<number> {
  let told = 0
  for (const clinicId of await listLapsedClinics(pool, CLINICS_MAX))
    told += await pool.begin(async (tx) => {
      const queue = await lockQueue(tx, clinicId)
      const doctors = await deleteLapsed(tx, queue)
      if (doctors.length > 0) await announceQueue(tx, queue, doctors)
      return doctors.length > 0 ? 1 : 0
    })
  return told
}
