import type { Pool } from "../../db.ts"
import { announce } from "../../events/log.ts"
import { instant } from "../../time.ts"
import { claimReminders } from "./queries.ts"

const HOUR_MS = 3_600_000
/** One transaction each. */
const BATCH = 200
/** More than a system this size ever has at one time; the next run goes on. */
const BATCHES_MAX = 500

/**
 * When the patient is reminded, and until when a reminder that is late, because nobody was there to send it or the visit was
 * confirmed after its time, is still worth sending. Whoever is confirmed for today is not told that it is tomorrow.
 */
const REMINDERS = [
  { hoursBefore: 24, notLaterThanHours: 12 },
  { hoursBefore: 1, notLaterThanHours: 0 },
] as const

/** Reminds patients of confirmed visits, once for each time before and each time that a visit moves to. Returns how many were sent. */
export async function sendReminders(pool: Pool, now: number): Promise<number> {
  let sent = 0
  for (const { hoursBefore, notLaterThanHours } of REMINDERS)
    for (let batch = 0; batch < BATCHES_MAX; batch++) {
      const count = await sendBatch(pool, hoursBefore, new Date(now + notLaterThanHours * HOUR_MS), new Date(now + hoursBefore * HOUR_MS))
      sent += count
      if (count < BATCH) break
    }
  return sent
}

async function sendBatch(pool: Pool, hoursBefore: number, from: Date, to: Date): Promise<number> {
  return await pool.begin(async (tx) => {
    const due = await claimReminders(tx, hoursBefore, from, to, BATCH)
    await announce(
      tx,
      ...due.map(({ appointmentId, patientId, scheduledAt }) => ({
        name: "appointment:reminder" as const,
        data: { appointmentId, scheduledAt: instant(scheduledAt) },
        about: { patientId },
      })),
    )
    return due.length
  })
}
