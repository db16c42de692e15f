/** The servers that contenders lean on: one Postgres for all of them, with PostGIS where it is to be had, and two Redis. */
import { totalmem } from "node:os"
import { join, resolve } from "node:path"
import type { RedisConfig } from "../../../core/config.ts"
import { lockDataDir } from "../../services/data-dir.ts"
import { startPostgres } from "../../services/postgres.ts"
import { findPostgres, type Postgres } from "../../services/postgres-binaries.ts"
import { startRedis } from "../../services/redis.ts"
import { say } from "../environment.ts"
import { findPostgis } from "./packages.ts"

const ROOT = join(import.meta.dir, "..", "..", "..")
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

/** In the folder that is named, or where worlds are kept from run to run; nobody else may use it meanwhile. */
export async function openStage(data: string | undefined): Promise<Stage> {
  const folder = resolve(data ?? join(ROOT, ".data", "bench-search"))
  await using opened = new AsyncDisposableStack()
  opened.defer(lockDataDir(folder))
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
  opened.defer(postgres.stop)
  const redis = await startRedis({ dataDir: join(folder, "redis"), say })
  opened.defer(redis.stop)
  const peerRedis = await startRedis({ dataDir: join(folder, "redis-peer"), say })
  opened.defer(peerRedis.stop)
  const all = opened.move()
  return {
    folder,
    adminUrl: postgres.adminUrl,
    postgresVersion: `${binaries.version}${debian ? " with PostGIS" : ""}`,
    postgis: debian !== undefined,
    redis: redis.config,
    peerRedis: peerRedis.config,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}
