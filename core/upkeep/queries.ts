import { type Db, one } from "../db.ts"

/**
 * Deletes the oldest events, in order and no more than `limit`, up to the first that is not older than `before` or that the worker
 * has not read; raises the log's floor over them and takes them out of the rooms' lists. Returns how many. Only the owner's function may.
 */
export async function deleteOldEvents(tx: Db, before: Date, limit: number): Promise<number> {
  return one(await tx<{ deleted: number }[]>`select delete_old_events(${before}, ${limit}) as deleted`).deleted
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
