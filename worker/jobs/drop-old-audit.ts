import { dropOld } from "../../core/audit/seal.ts"
import type { JobContext } from "../registry.ts"

export async function dropOldAudit({ pool, log, auditRetentionDays }: JobContext): Promise<void> {
  const { rows, inUse } = await dropOld(pool, auditRetentionDays, Date.now())
  if (rows > 0) log.info({ rows }, "the oldest part of the audit log is dropped")
  if (inUse) log.warn("the oldest part of the audit log is in use: it is dropped later")
}
