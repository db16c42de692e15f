import { readyPartitions } from "../../core/upkeep/event-partitions.ts"
import type { JobContext } from "../registry.ts"

export async function makeEventPartitions({ pool, log, retentionDays }: JobContext): Promise<void> {
  if (!(await readyPartitions(pool, retentionDays))) log.info("the event log is in use: its next partition is made later")
}
