/** `bun dev [--doctors N] [--empty]`: everything on this machine, from nothing, until Ctrl-C. */
import { join, resolve } from "node:path"
import { readAuditRetention, readConfig } from "../core/config.ts"
import { openPool, type Pool } from "../core/db.ts"
import type { PaymentKeys } from "../core/payment-keys.ts"
import { handleSignals, STOP_TIMEOUT_MS } from "../core/process.ts"
import { seedDemo } from "./demo/seed.ts"
import { readOptions } from "./dev/options.ts"
import { Services } from "./dev/services.ts"
import { writeSettings } from "./dev/settings-file.ts"
import { welcome } from "./dev/welcome.ts"
import { migrateDatabase } from "./services/migration.ts"
import { findFreePort, requireFree } from "./services/ports.ts"
import { Supervisor } from "./services/processes.ts"
import { runCommand } from "./services/say.ts"
import { planTrio, redisEnvironment } from "./services/trio.ts"

const ROOT = join(import.meta.dir, "..")
/** The processes' own bound, then the servers'. */
const OWN_STOP_TIMEOUT_MS = STOP_TIMEOUT_MS + 15_000
const READY_TIMEOUT_MS = 60_000
/** A million rows in one COPY. */
const SEED_STATEMENT_TIMEOUT_MS = 10 * 60_000

const say = (line: string) => console.log(line)

/** What the three processes get, besides what the person has set, which wins. */
function developmentEnvironment(): Record<string, string | undefined> {
  const tokens = process.env.NODE_ENV !== "production" && !process.env.FIREBASE_AUTH_EMULATOR_HOST
  return {
    AUTH_DEV_TOKENS: process.env.AUTH_DEV_TOKENS || (tokens ? "1" : undefined),
    CORS_ORIGIN: process.env.CORS_ORIGIN || "*",
  }
}

async function loadDemo(pool: Pool, doctors: number, keys: PaymentKeys): Promise<void> {
  const [found] = await pool<{ any: boolean }[]>`select exists (select from doctors) as any`
  if (found?.any) return say("The database has doctors already: they are kept, and no demo doctors are loaded.")
  if (doctors > 0) await seedDemo(pool, { doctors, keys, say })
}

await runCommand(async () => {
  const { doctors } = readOptions(process.argv.slice(2))
  const environment = developmentEnvironment()
  // Whatever is wrong with the settings is said before anything starts; the two addresses follow.
  const pending = { DATABASE_URL: "postgres://127.0.0.1/pending", REDIS_HOST: "127.0.0.1" }
  const config = readConfig({ ...pending, ...process.env, ...environment })
  const port = config.port || (await findFreePort())
  await requireFree(port, config.host)

  const supervisor = new Supervisor({ say })
  const dataDir = resolve(process.env.DATA_DIR || join(ROOT, ".data"))
  const services = new Services({
    dataDir,
    databaseUrl: process.env.DATABASE_URL || undefined,
    migrateDatabaseUrl: process.env.MIGRATE_DATABASE_URL || undefined,
    redis: process.env.REDIS_HOST ? config.redis : undefined,
    say,
  })
  let stopping = false
  const stop = async () => {
    stopping = true
    await supervisor.stop()
    await services.stop()
  }
  const log = { info: say, error: ({ err }: { err: unknown }, line: string) => console.error(line, err) }
  handleSignals({ log, stop, timeoutMs: OWN_STOP_TIMEOUT_MS })
  try {
    const { ownerUrl, databaseUrl, redis } = await services.start()
    const applied = await migrateDatabase(ownerUrl, databaseUrl, join(ROOT, "sql"), readAuditRetention(process.env))
    const pool = openPool(ownerUrl, { max: 2, name: "dev", statementTimeoutMs: SEED_STATEMENT_TIMEOUT_MS })
    if (applied.length > 0) say(`migrated: ${applied.join(", ")}`)
    await loadDemo(pool, doctors, config.paymentKeys)
    const addresses = { ...redisEnvironment(redis), DATABASE_URL: databaseUrl }
    const settingsFile = await writeSettings(dataDir, { ...addresses, MIGRATE_DATABASE_URL: ownerUrl })
    const command = (name: string) => [process.execPath, join(ROOT, name, "main.ts")]
    const trio = await planTrio({
      port,
      host: config.host,
      command,
      environment: { ...environment, ...addresses, MIGRATE_DATABASE_URL: undefined },
      metricsPort: config.metrics?.port,
    })
    for (const spec of trio.specs) supervisor.start(spec)
    const failed = Promise.race([supervisor.failed, services.failed]).then((reason) => {
      throw new Error(reason)
    })
    await Promise.race([supervisor.ready(trio.health, READY_TIMEOUT_MS), failed])
    for (const line of await welcome({ pool, url: `http://localhost:${port}`, auth: config.auth, settingsFile })) say(line)
    await pool.end({ timeout: 1 })
    await failed
  } catch (error) {
    // What fails because we are stopping is no news.
    if (stopping) return
    await stop()
    throw error
  }
})
