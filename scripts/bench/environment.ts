/** What every benchmark runs on: a Postgres with its usual durability, a Redis, and an empty migrated database, in a folder that goes away. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Config, readConfig } from "../../core/config.ts"
import { openPool, type Pool } from "../../core/db.ts"
import { ensureDatabase } from "../services/database.ts"
import { migrateDatabase, runUrlOf } from "../services/migration.ts"
import { startRedis } from "../services/redis.ts"
import { startTemporaryPostgres } from "../services/temporary.ts"

export type Bench = AsyncDisposable & { pool: Pool; config: Config; environment: Record<string, string> }

/** Progress goes to stderr, so that stdout is the table alone. */
export const say = (line: string) => console.error(line)

const POOL = 20

/** With Postgres's usual settings, and these: every commit waits for the disk. */
export async function startBench(settings: string[] = []): Promise<Bench> {
  const postgres = await startTemporaryPostgres({ say, settings })
  const dataDir = await mkdtemp(join(tmpdir(), "pulsecal-bench-"))
  const redis = await startRedis({ dataDir, say })
  const ownerUrl = Object.assign(new URL(postgres.adminUrl), { pathname: "/bench" }).href
  const databaseUrl = runUrlOf(ownerUrl, "bench")
  await ensureDatabase(ownerUrl, () => {})
  await migrateDatabase(ownerUrl, databaseUrl, join(import.meta.dir, "..", "..", "sql"))
  const pool = openPool(ownerUrl, { max: POOL, name: "bench", statementTimeoutMs: 600_000 })
  const environment = {
    NODE_ENV: "test",
    PORT: "0",
    DATABASE_URL: databaseUrl,
    DATABASE_POOL: String(POOL),
    REDIS_HOST: redis.config.host,
    REDIS_PORT: String(redis.config.port),
    AUTH_DEV_TOKENS: "1",
    LOG_LEVEL: "silent",
  }
  return {
    pool,
    environment,
    config: { ...readConfig(environment), host: "127.0.0.1" },
    async [Symbol.asyncDispose]() {
      await pool.end({ timeout: 1 })
      await redis.stop()
      await postgres.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] as number
}

export function percentile(values: number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))] as number
}

/** `median (min–max)`, each printed by `format`. */
export function spread(values: number[], format: (value: number) => string): string {
  return `${format(median(values))} (${format(Math.min(...values))}–${format(Math.max(...values))})`
}
