import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type PostgresServer, startPostgres } from "./postgres.ts"
import type { Say } from "./say.ts"

/**
 * Nothing in it outlives the run, so nothing need survive a power cut. Commits stay synchronous: a vacuum cannot mark pages of a commit
 * that is not flushed as visible, and without fsync they cost next to nothing. Nor could it while autovacuum, at times of its own, looks at
 * the same database. Each test file holds connections of its own.
 */
const SETTINGS = ["fsync=off", "full_page_writes=off", "max_connections=300", "autovacuum=off"]

/** A PostgreSQL for tests and measurements, whose files go when it stops. Later settings win. */
export async function startTemporaryPostgres({ say, settings = SETTINGS }: { say: Say; settings?: string[] }): Promise<PostgresServer> {
  const dataDir = await mkdtemp(join(tmpdir(), "pulsecal-temporary-"))
  const server = await startPostgres({ dataDir, say, settings })
  return {
    ...server,
    stop: async () => {
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
