import { isRetryable, isUnavailable, type Pool } from "../db.ts"
import type { Log } from "../log.ts"
import { type Dropped, dropAll } from "../upkeep/locks.ts"
import { dropOldestAudit, sealEntries } from "./queries.ts"

/** Some 50 ms, during which another sealer goes away and nobody waits. */
const BATCH = 1_000
/** A run ends, so that a process that stops is not kept; the next one goes on. */
const BATCHES_MAX = 100
const DAY_MS = 86_400_000

/**
 * Seals what waits. A checkpoint is told to the log of the process as well: kept where the database cannot reach, it shows an end that was
 * cut off and a chain that was made anew (`bun run audit verify --anchors`).
 */
export async function sealAudit(pool: Pool, log: Log): Promise<number> {
  let total = 0
  for (let batch = 0; batch < BATCHES_MAX; batch++) {
    const { sealed, position, hash, checkpoint } = await sealEntries(pool, BATCH)
    if (checkpoint) log.info({ auditPosition: position, auditHash: hash?.toString("hex") }, "audit checkpoint")
    total += sealed
    if (sealed === 0) break
  }
  return total
}

/** unavailable: Postgres cannot be reached or is busy, which passes. refused: by the database as it is, so that somebody must look. */
export type SealFailure = "unavailable" | "refused"

/** Whether the same seal may succeed the next time, though nobody puts anything right. */
export function mayPass(error: unknown): boolean {
  return isUnavailable(error) || isRetryable(error)
}

/**
 * As {@link sealAudit}; says when it cannot, and never throws: what waits is kept, and sealed when it can be. Where a row stands that nobody
 * sealed, the sealer stops before it. To go on beyond would make a gap for ever, and an alarm that never ends hides the next one; to
 * write over it would destroy what shows that somebody was there.
 */
export async function trySealAudit(pool: Pool, log: Log, failed?: (why: SealFailure) => void): Promise<void> {
  try {
    await sealAudit(pool, log)
  } catch (error) {
    const why = mayPass(error) ? "unavailable" : "refused"
    failed?.(why)
    if (why === "unavailable") log.warn({ err: error }, "the audit could not be sealed; trying until it can")
    else
      log.error(
        { err: error },
        "the audit cannot be sealed, and what comes waits: `bun run audit verify` shows whether its log was changed",
      )
  }
}

/** Drops the partitions of which every row is older than it is kept. */
export async function dropOld(pool: Pool, retentionDays: number, now: number): Promise<Dropped> {
  return await dropAll(() => dropOldestAudit(pool, new Date(now - retentionDays * DAY_MS)))
}
