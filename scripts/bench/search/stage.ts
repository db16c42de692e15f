/** The servers that contenders lean on: one Postgres for all of them, with PostGIS where it is to be had, and two Redis. */
import { totalmem } from "node:os"
import { join } from "node:path"
import type { RedisConfig } from "../../../core/config.ts"
import { startPostgres } from "../../services/postgres.ts"
import { findPostgres, type Postgres } from "../../services/postgres-binaries.ts"
import { startRedis } from "../../services/redis.ts"
import { say } from "../environment.ts"
import { findPostgis } from "./packages.ts"

const MB = 1024 * 1024
/** The manual's advice for a server of its own is a quarter of the memory; a million doctors with all indexes need no more than 4 GB. */
const SHARED_BUFFERS_MAX_MB = 4_096
const MEMORY_SHARE = 1 / 4

export type Stage = AsyncDisposable & {
  folder: string
  adminUrl: string
  postgresVersion: string
  postgis: boolean
  redis: RedisConfig
  peerRedis: RedisConfig
}

export async function openStage(folder: string): Promise<Stage> {
  const debian = await findPostgis(say)
  const binaries: Postgres = debian ?? (await findPostgres(say))
  const sharedMb = Math.min(SHARED_BUFFERS_MAX_MB, Math.floor((totalmem() / MB) * MEMORY_SHARE))
  const postgres = await startPostgres({
    dataDir: join(folder, `${debian ? "debian" : "npm"}-${binaries.major}`),
    say,
    binaries,
    // Worlds can be made anew, and nobody writes while they are searched.
    settings: ["fsync=off", "full_page_writes=off", "autovacuum=off", `shared_buffers=${sharedMb}MB`],
  })
  const redis = await startRedis({ dataDir: join(folder, "redis"), say })
  const peerRedis = await startRedis({ dataDir: join(folder, "redis-peer"), say })
  return {
    folder,
    adminUrl: postgres.adminUrl,
    postgresVersion: `${binaries.version}${debian ? " with PostGIS" : ""}`,
    postgis: debian !== undefined,
    redis: redis.config,
    peerRedis: peerRedis.config,
    async [Symbol.asyncDispose]() {
      await Promise.all([redis.stop(), peerRedis.stop(), postgres.stop()])
    },
  }
}
