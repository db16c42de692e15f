import { z } from "zod"
import { recomputeRollups } from "../../core/analytics/recompute.ts"
import type { JobContext } from "../registry.ts"

/** Doctors who wait are taken along; their own jobs then find nothing to do. A transaction for so many takes some 50 ms. */
const TAKEN_ALONG = 40

export const RollupJob = z.strictObject({ doctorId: z.uuid() })

export async function recompute({ pool, log, published }: JobContext, data: unknown): Promise<void> {
  const { doctorId } = RollupJob.parse(data)
  try {
    await recomputeRollups(pool, doctorId, TAKEN_ALONG)
  } catch (error) {
    // Whoever of them is at fault: this job fails for its own doctor only.
    log.warn({ err: error, doctorId }, "rollups of several doctors failed; computing one alone")
    await recomputeRollups(pool, doctorId)
  }
  published()
}
