import { type Db, one } from "../db.ts"

/** Sees to it that the event log's partitions have their ends, and an empty one comes after. True if there was something to do. */
export async function makeEventPartitions(db: Db, eachMs: number): Promise<boolean> {
  return one(await db<{ made: boolean }[]>`select make_event_partitions(${eachMs}::float8 * interval '1 ms') as made`).made
}

/**
 * Drops the oldest partition of the event log, with the rooms' lists, if all of it was written before `before`, published and read by the
 * worker; raises the log's floor over it. Returns how many events went.
 */
export async function dropOldestEvents(db: Db, before: Date): Promise<number> {
  return one(await db<{ dropped: number }[]>`select drop_old_events(${before}) as dropped`).dropped
}

/** Keys older than they are kept for. Returns how many. */
export async function deleteOldKeys(db: Db, before: Date, limit: number): Promise<number> {
  const deleted = await db`
    delete from idempotency_keys where ctid = any (array(select ctid from idempotency_keys where created_at < ${before} limit ${limit}))`
  return deleted.count
}

/** Fresh statistics of the tables that change most: plans for yesterday's table are slow on today's. */
export async function analyzeHotTables(db: Db): Promise<void> {
  await db`select analyze_hot_tables()`
}
