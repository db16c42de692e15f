import type { Pool } from "../db.ts"
import type { Log } from "../log.ts"
import { sleep } from "../time.ts"
import { isMigrated, MigrationError } from "./migrate.ts"

const RETRY_MS = 500

/** Resolves when the database answers and its schema is this version's. Says once what it waits for. */
export async function untilMigrated(pool: Pool, folder: string, log: Log, signal: AbortSignal): Promise<void> {
  let said = ""
  while (!signal.aborted) {
    const obstacle = await obstacleOf(pool, folder)
    if (obstacle === undefined) return
    if (obstacle !== said) log.warn({ obstacle }, "waiting for the database")
    said = obstacle
    await sleep(RETRY_MS, signal)
  }
}

async function obstacleOf(pool: Pool, folder: string): Promise<string | undefined> {
  try {
    return (await isMigrated(pool, folder)) ? undefined : "its schema is older than this version: run the migrations"
  } catch (error) {
    return error instanceof MigrationError ? error.message : "it does not answer"
  }
}
