import { deleteReminders } from "../appointments/clock/queries.ts"
import type { Pool } from "../db.ts"
import { sleep } from "../time.ts"
import { deleteOldKeys } from "./queries.ts"

const DAY_MS = 86_400_000
/** Some 10 ms. */
const BATCH = 500
/** Between batches everyone else gets their turn. */
const PAUSE_MS = 20
/** A million rows a run; the next one goes on. */
const BATCHES_MAX = 2_000
/** Idempotency keys are promised for 24 hours. */
const KEYS_DAYS = 1
/** A reminder is remembered well beyond the last moment at which it could be sent again. */
const REMINDERS_DAYS = 7

export type Deleted = { keys: number; reminders: number }

/** Deletes what is no longer kept, in small batches. Returns how many rows of each. */
export async function deleteOld(pool: Pool, now: number): Promise<Deleted> {
  const ago = (days: number) => new Date(now - days * DAY_MS)
  return {
    keys: await inBatches(() => deleteOldKeys(pool, ago(KEYS_DAYS), BATCH)),
    reminders: await inBatches(() => deleteReminders(pool, ago(REMINDERS_DAYS), BATCH)),
  }
}

async function inBatches(deleteBatch: () => Promise<number>): Promise<number> {
  let total = 0
  for (let batch = 0; batch < BATCHES_MAX; batch++) {
    const deleted = await deleteBatch()
    total += deleted
    if (deleted < BATCH) break
    await sleep(PAUSE_MS)
  }
  return total
}
