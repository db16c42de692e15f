import { setAuditRetention } from "../../core/audit/queries.ts"
import { openPool } from "../../core/db.ts"
import { migrate } from "../../core/migrations/migrate.ts"
import { ensureRunRole } from "../../core/migrations/run-role.ts"

/**
 * Brings the database up to date as its owner, sees to the role that the processes log in as, and says how long the audit is kept;
 * undefined: as long as it was said before. Returns the names applied.
 */
export async function migrateDatabase(ownerUrl: string, runUrl: string, sqlFolder: string, auditRetentionDays?: number): Promise<string[]> {
  const pool = openPool(ownerUrl, { max: 1, name: "migrate" })
  try {
    const applied = await migrate(pool, sqlFolder)
    await ensureRunRole(pool, runUrl)
    if (auditRetentionDays !== undefined) await setAuditRetention(pool, auditRetentionDays)
    return applied
  } finally {
    await pool.end({ timeout: 1 })
  }
}

/** The same database for another role. Of our own servers only: the password follows from the owner's, so that nothing need keep it. */
export function runUrlOf(ownerUrl: string, role: string): string {
  const password = new Bun.CryptoHasher("sha256", new URL(ownerUrl).password).update(role).digest("hex")
  return Object.assign(new URL(ownerUrl), { username: role, password }).href
}
