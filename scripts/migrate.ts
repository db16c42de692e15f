/**
 * `bun run migrate`: applies what is missing to the database of MIGRATE_DATABASE_URL, or DATABASE_URL where that is all there is, and makes
 * the role of DATABASE_URL if it is missing. With AUDIT_RETENTION_DAYS, the audit is kept that long from now on. Any number may run at the same time.
 */
import { join } from "node:path"
import { readAuditRetention } from "../core/config.ts"
import { requireDatabase } from "./services/database.ts"
import { migrateDatabase } from "./services/migration.ts"
import { runCommand, SetupError } from "./services/say.ts"

await runCommand(async () => {
  const owner = process.env.MIGRATE_DATABASE_URL || process.env.DATABASE_URL
  if (!owner) throw new SetupError("DATABASE_URL: is required")
  const retentionDays = readAuditRetention(process.env)
  await requireDatabase(owner)
  const applied = await migrateDatabase(owner, process.env.DATABASE_URL || owner, join(import.meta.dir, "..", "sql"), retentionDays)
  console.log(applied.length === 0 ? "nothing to apply: the database is up to date" : `applied ${applied.join(", ")}`)
})
