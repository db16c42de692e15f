import { dropOldEvents as drop } from "../../core/upkeep/event-partitions.ts"
import type { JobContext } from "../registry.ts"

export async function dropOldEvents({ pool, log, retentionDays }: JobContext): Promise<void> {
  const { rows, inUse } = await drop(pool, retentionDays, Date.now())
  if (rows > 0) log.info({ events: rows }, "the oldest part of the event log is dropped")
  if (inUse) log.warn("the oldest part of the event log is in use: it is dropped later")
}
