import { insertMissingDue, listDoctorsWithRollups } from "../../core/analytics/queries.ts"
import { verifyRollups } from "../../core/analytics/recompute.ts"
import type { JobContext } from "../registry.ts"

/** A month of any length, and the days around it. */
const VERIFIED_DAYS = 35
const BATCH_DOCTORS = 500
const FIRST_ID = "00000000-0000-0000-0000-000000000000"

/** Computes the last days of every doctor once more, from the rows. A difference is mended, and said: there should be none. */
export async function verify({ pool, log, published }: JobContext): Promise<void> {
  await insertMissingDue(pool)
  for (let after = FIRST_ID; ; ) {
    const doctorIds = await listDoctorsWithRollups(pool, after, BATCH_DOCTORS)
    for (const doctorId of doctorIds) {
      const mended = await verifyRollups(pool, doctorId, VERIFIED_DAYS, Date.now())
      if (mended.length > 0) log.warn({ doctorId, days: mended }, "rollups differed from the rows and are mended")
    }
    published()
    const last = doctorIds.at(-1)
    if (last === undefined || doctorIds.length < BATCH_DOCTORS) return
    after = last
  }
}
