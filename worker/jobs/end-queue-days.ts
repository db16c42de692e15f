import { sweepQueues } from "../../core/queue/lapse.ts"
import type { JobContext } from "../registry.ts"

export async function endQueueDays({ pool, published }: JobContext): Promise<void> {
  if ((await sweepQueues(pool)) > 0) published()
}
