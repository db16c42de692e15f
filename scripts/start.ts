/** `npm start`: migrates, then runs the three built processes behind PORT until told to stop. */
import { join } from "node:path"
import { type Config, configOrExit, readAuditRetention } from "../core/config.ts"
import { openPool } from "../core/db.ts"
import { openLog } from "../core/log.ts"
import { asAppRole, requireOrdinaryOwner } from "../core/migrations/run-role.ts"
import { handleSignals, STOP_TIMEOUT_MS } from "../core/process.ts"
import { requireDatabase } from "./services/database.ts"
import { migrateDatabase } from "./services/migration.ts"
import { findFreePort, requireFree } from "./services/ports.ts"
import { Supervisor } from "./services/processes.ts"
import { runCommand } from "./services/say.ts"
import { planTrio } from "./services/trio.ts"

/** The processes have their own bound; this one only guards against a supervisor that hangs. */
const OWN_STOP_TIMEOUT_MS = STOP_TIMEOUT_MS + 5_000
const READY_TIMEOUT_MS = 60_000

await runCommand(async () => {
  const config = configOrExit()
  const log = openLog("start", config.logLevel)
  const port = config.port || (await findFreePort())
  await requireFree(port, config.host)
  const supervisor = new Supervisor({ say: (line) => log.warn(line) })
  handleSignals({ log, stop: () => supervisor.stop(), timeoutMs: OWN_STOP_TIMEOUT_MS })
  await requireDatabase(config.migrateDatabaseUrl)
  const runUrl = await runUrlFor(config)
  const sql = join(import.meta.dir, "..", "sql")
  const applied = await migrateDatabase(config.migrateDatabaseUrl, runUrl, sql, readAuditRetention(process.env))
  log.info({ applied }, "database is up to date")
  const command = (name: string) => [process.execPath, join(import.meta.dir, `${name}.js`)]
  // The owner's password is for what migrates alone.
  const environment = { DATABASE_URL: runUrl, MIGRATE_DATABASE_URL: undefined }
  const trio = await planTrio({ port, host: config.host, command, environment, metricsPort: config.metrics?.port })
  for (const spec of trio.specs) supervisor.start(spec)
  supervisor.ready(trio.health, READY_TIMEOUT_MS).then(
    () => log.info({ port }, "ready"),
    // Processes wait for their dependencies as long as it takes: late is worth a line, not an end.
    (error: Error) => log.warn(error.message),
  )
  const reason = await supervisor.failed
  log.fatal(reason)
  await supervisor.stop()
  process.exit(1)
})

/**
 * Where the owner's URL is the only one there is, the processes put its powers down; a superuser's is refused in production, before
 * anything is migrated, so that the version that ran until now can run on.
 */
async function runUrlFor(config: Config): Promise<string> {
  if (config.databaseUrl !== config.migrateDatabaseUrl) return config.databaseUrl
  const owner = openPool(config.databaseUrl, { max: 1, name: "start" })
  try {
    await requireOrdinaryOwner(owner, config)
  } finally {
    await owner.end({ timeout: 1 })
  }
  return asAppRole(config.databaseUrl)
}
