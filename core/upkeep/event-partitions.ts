/** The event log's partitions: made ahead, and dropped when nothing in them is kept any longer. What they are: sql/0010_event_partitions.sql. */
import type { Pool } from "../db.ts"
import { type Dropped, dropAll, unlessInUse } from "./locks.ts"
import { dropOldestEvents, makeEventPartitions } from "./queries.ts"

const DAY_MS = 86_400_000
/** Over the days that events are kept: few, since a list of notifications opens each, and yet none keeps much that need not be kept. */
const PARTITIONS = 6

/** Whether all is ready for what will be published next: false when it could not be made now, and the newest partition goes on meanwhile. */
export async function readyPartitions(pool: Pool, retentionDays: number): Promise<boolean> {
  return (await unlessInUse(() => makeEventPartitions(pool, (retentionDays * DAY_MS) / PARTITIONS))) !== undefined
}

/** Drops the partitions of which every event is older than it is kept. */
export async function dropOldEvents(pool: Pool, retentionDays: number, now: number): Promise<Dropped> {
  return await dropAll(() => dropOldestEvents(pool, new Date(now - retentionDays * DAY_MS)))
}
