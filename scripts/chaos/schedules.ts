/** Looks every second which schedules Redis knows of, and when they run next. */
import { Redis } from "ioredis"
import type { Cluster } from "./cluster.ts"
import { jobsKey, openReader, readLogId } from "./collect.ts"
import type { Schedules } from "./evidence.ts"

const LOOK_MS = 1_000
/** Frozen or away, it is asked again the next time. */
const ANSWER_MS = 500

export class ScheduleWatch implements Disposable {
  readonly #seen: Schedules["seen"] = []
  #stopped = false

  constructor(private readonly cluster: Cluster) {}

  [Symbol.dispose](): void {
    this.#stopped = true
  }

  async run(): Promise<void> {
    const logId = await this.#logId()
    while (!this.#stopped) {
      const next = await this.#ask((redis) => redis.zrange(jobsKey(logId, "schedules", "repeat"), "0", "-1", "WITHSCORES"))
      if (next) this.#seen.push({ at: Date.now(), next: scored(next) })
      await Bun.sleep(LOOK_MS)
    }
  }

  /** Ends looking. What was seen, and what has failed by now. */
  async result(): Promise<Schedules> {
    this.#stopped = true
    const logId = await this.#logId()
    const failed = (await this.#ask((redis) => redis.zrange(jobsKey(logId, "schedules", "failed"), "0", "-1", "WITHSCORES"))) ?? []
    return { seen: this.#seen, failed: Object.entries(scored(failed)).map(([id, at]) => ({ id, at })) }
  }

  /** A connection each time: one that waits for a Redis that comes back would answer late. Undefined when it does not answer. */
  async #ask<T>(question: (redis: Redis) => Promise<T>): Promise<T | undefined> {
    const { host, port } = this.cluster.redis.config
    const redis = new Redis({ host, port, retryStrategy: () => null, connectTimeout: ANSWER_MS, commandTimeout: ANSWER_MS })
    // The question fails as well, and says so.
    redis.on("error", () => {})
    try {
      return await question(redis)
    } catch {
      return undefined
    } finally {
      redis.disconnect()
    }
  }

  async #logId(): Promise<string> {
    const sql = openReader(this.cluster.databaseUrl)
    const logId = await readLogId(sql)
    await sql.end({ timeout: 1 })
    return logId
  }
}

function scored(list: string[]): Record<string, number> {
  return Object.fromEntries(list.flatMap((name, n) => (n % 2 === 0 ? [[name, Number(list[n + 1])]] : [])))
}
