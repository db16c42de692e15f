/** `bun run seed --doctors N [--seed S]`: loads a demo into the migrated, empty database at DATABASE_URL. */
import { join } from "node:path"
import { parseArgs } from "node:util"
import { ConfigError, readConfig } from "../core/config.ts"
import { openPool } from "../core/db.ts"
import { isMigrated } from "../core/migrations/migrate.ts"
import { DEFAULT_SEED, SeedError, seedDemo } from "./demo/seed.ts"
import { requireDatabase } from "./services/database.ts"
import { SetupError } from "./services/say.ts"

const DEFAULT_DOCTORS = "2000"

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { doctors: { type: "string", default: DEFAULT_DOCTORS }, seed: { type: "string", default: String(DEFAULT_SEED) } },
  })
  // It takes indexes away for a while: the owner's to do.
  const url = process.env.MIGRATE_DATABASE_URL || process.env.DATABASE_URL
  if (!url) throw new SeedError("DATABASE_URL: is required")
  // What a process needs besides, this command does not.
  const { paymentKeys: keys } = readConfig({ ...process.env, REDIS_HOST: "unused", FIREBASE_PROJECT_ID: "unused" })
  await requireDatabase(url)
  const pool = openPool(url, { max: 2, name: "seed" })
  try {
    if (!(await isMigrated(pool, join(import.meta.dir, "../sql")))) throw new SeedError("the database is not migrated: bun run migrate")
    await seedDemo(pool, { doctors: Number(values.doctors), seed: Number(values.seed), keys, say: console.log })
  } finally {
    await pool.end({ timeout: 5 })
  }
}

try {
  await main()
} catch (error) {
  const told = [SeedError, SetupError, ConfigError, TypeError].some((kind) => error instanceof kind)
  console.error(told ? (error as Error).message : error)
  process.exitCode = 1
}
