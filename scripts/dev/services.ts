/** Postgres and Redis for development: the ones that are given, or our own. */
import type { RedisConfig } from "../../core/config.ts"
import { lockDataDir } from "../services/data-dir.ts"
import { ensureDatabase } from "../services/database.ts"
import { runUrlOf } from "../services/migration.ts"
import { startPostgres } from "../services/postgres.ts"
import { startRedis } from "../services/redis.ts"
import type { Say } from "../services/say.ts"

export type ServicesOptions = {
  dataDir: string
  /** Given servers are used as they are; what is not given is started. */
  databaseUrl: string | undefined
  /** As the owner; undefined: the same. */
  migrateDatabaseUrl: string | undefined
  redis: RedisConfig | undefined
  say: Say
}

type Started = { exited: Promise<string>; stop: () => Promise<void> }

const DATABASE_NAME = "pulsecal"
const RUN_ROLE = "pulsecal_run"

export class Services {
  #stops: (() => unknown)[] = []
  #stopping = false
  #fail: (reason: string) => void = () => {}
  /** Resolves with the reason if one of our own servers ends by itself. */
  readonly failed = new Promise<string>((resolve) => {
    this.#fail = resolve
  })

  constructor(private readonly options: ServicesOptions) {}

  /** Starts what is missing and makes the database. */
  async start(): Promise<{ ownerUrl: string; databaseUrl: string; redis: RedisConfig }> {
    const { dataDir, say } = this.options
    if (!this.options.databaseUrl || !this.options.redis) this.#stops.push(lockDataDir(dataDir))
    const [own, redis] = await Promise.all([
      this.options.databaseUrl ? undefined : this.#ownPostgres(),
      this.options.redis ?? startRedis({ dataDir, say }).then((server) => this.#keep("Redis", server).config),
    ])
    const databaseUrl = this.options.databaseUrl ?? runUrlOf(own as string, RUN_ROLE)
    const ownerUrl = own ?? this.options.migrateDatabaseUrl ?? databaseUrl
    await ensureDatabase(ownerUrl, say)
    return { ownerUrl, databaseUrl, redis }
  }

  /** Ends our own servers and gives the folder back. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const stop of this.#stops.splice(0).reverse()) await stop()
  }

  async #ownPostgres(): Promise<string> {
    const { dataDir, say } = this.options
    const { adminUrl } = this.#keep("PostgreSQL", await startPostgres({ dataDir, say }))
    return Object.assign(new URL(adminUrl), { pathname: `/${DATABASE_NAME}` }).href
  }

  #keep<S extends Started>(name: string, server: S): S {
    this.#stops.push(server.stop)
    server.exited.then((how) => {
      if (!this.#stopping) this.#fail(`${name} ended unexpectedly (${how}); its log is in ${this.options.dataDir}`)
    })
    return server
  }
}
