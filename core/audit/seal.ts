import type { Pool } from "../db.ts"
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

/** As {@link sealAudit}; says when it cannot, and never throws: what waits is sealed when it can be. */
export async function trySealAudit(pool: Pool, log: Log): Promise<void> {
  try {
    await sealAudit(pool, log)
  } catch (error) {
    log.warn({ err: error }, "the audit could not be sealed; trying until it can")
  }
}

/** Drops the partitions of which every row is older than it is kept. */
export async function dropOld(pool: Pool, retentionDays: number, now: number): Promise<Dropped> {
  return await dropAll(() => dropOldestAudit(pool, new Date(now - retentionDays * DAY_MS)))
}
