import { markNoShows } from "../../core/appointments/clock/no-shows.ts"
import type { JobContext } from "../registry.ts"

export async function markMissed({ pool, log, noShowAfterMinutes, published }: JobContext): Promise<void> {
  const marked = await markNoShows(pool, noShowAfterMinutes, Date.now())
  if (marked > 0) log.info({ marked }, "visits that nobody came to are marked")
  published()
}
