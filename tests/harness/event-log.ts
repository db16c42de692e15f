/** An event log with real publishers and followers, and the one check that every test of it ends with. */
import { expect } from "bun:test"
import type { Redis } from "ioredis"
import { openPool, type Pool } from "../../core/db.ts"
import type { LoggedEvent } from "../../core/events/catalog.ts"
import { announce } from "../../core/events/log.ts"
import { Publisher, streamKey } from "../../core/events/publisher.ts"
import { findLog } from "../../core/events/queries.ts"
import { type Batch, follow } from "../../core/events/stream.ts"
import { openLog } from "../../core/log.ts"
import { openRedis } from "../../core/redis.ts"
import { type TestDatabase, type TestRedis, testDatabase, testRedis, until } from "./services.ts"

const quiet = openLog("test", "silent")

export type TestPublisher = { publisher: Publisher; session: Pool; redis: Redis }

export type TestFollower = {
  seen: LoggedEvent[]
  gaps: Extract<Batch, { kind: "gap" }>[]
  /** Until it has reached the offset. */
  reaches(offset: number, timeoutMs?: number): Promise<void>
  stop(): Promise<void>
}

export class TestLog implements AsyncDisposable {
  readonly #closers: (() => Promise<void>)[] = []
  #serial = 0

  private constructor(
    readonly database: TestDatabase,
    readonly server: TestRedis,
    private readonly streamMaxEvents: number,
  ) {}

  static async open(options: { persist?: boolean; streamMaxEvents?: number } = {}): Promise<TestLog> {
    const [database, server] = await Promise.all([testDatabase(), testRedis(options)])
    return new TestLog(database, server, options.streamMaxEvents ?? 10_000)
  }

  get pool(): Pool {
    return this.database.pool
  }

  /** A connection to the log's Redis, ready. */
  async redis(name = "test", blocking = false): Promise<Redis> {
    const redis = openRedis(this.server.config, { name, blocking })
    this.#closers.push(async () => redis.disconnect())
    await until("Redis is connected", () => redis.status === "ready")
    return redis
  }

  async publisher(): Promise<TestPublisher> {
    const session = this.session()
    const redis = await this.redis("publisher")
    const publisher = new Publisher({ session, redis, log: quiet, streamMaxEvents: this.streamMaxEvents })
    this.#closers.push(() => publisher.close())
    return { publisher, session, redis }
  }

  /** A session such as a publisher has. */
  session(): Pool {
    const session = openPool(this.database.url, { max: 1, name: "publisher" })
    this.#closers.push(() => session.end({ timeout: 1 }))
    return session
  }

  /** `pauseMs` is what the consumer takes over each batch. */
  async follower(after = 0, pauseMs = 0): Promise<TestFollower> {
    const seen: LoggedEvent[] = []
    const gaps: TestFollower["gaps"] = []
    let cursor = after
    const abort = new AbortController()
    const redis = await this.redis("reader", true)
    const loop = (async () => {
      for await (const batch of follow({ pool: this.pool, redis, log: quiet, after, signal: abort.signal })) {
        if (batch.kind === "gap") gaps.push(batch)
        else seen.push(...batch.events)
        cursor = batch.kind === "gap" ? batch.to : (batch.events.at(-1) as LoggedEvent).offset
        if (pauseMs > 0) await Bun.sleep(pauseMs)
      }
    })()
    const stop = async () => {
      abort.abort()
      await loop
    }
    this.#closers.push(stop)
    return { seen, gaps, stop, reaches: async (offset, ms) => void (await until(`offset ${offset}`, () => cursor >= offset, ms)) }
  }

  /** Commits `count` events, one transaction each. */
  async announce(count = 1): Promise<void> {
    for (let i = 0; i < count; i++) {
      const uid = `person ${++this.#serial}`
      await announce(this.pool, { name: "access:changed", data: { uid }, about: { uid } })
    }
  }

  /** A transaction that has announced and is still open. */
  async late(): Promise<{ commit(): Promise<void>; rollback(): Promise<void> }> {
    const tx = await this.pool.reserve()
    await tx`begin`
    const uid = `late ${++this.#serial}`
    await announce(tx, { name: "access:changed", data: { uid }, about: { uid } })
    const end = async (statement: "commit" | "rollback") => {
      await tx.unsafe(statement)
      tx.release()
    }
    return { commit: () => end("commit"), rollback: () => end("rollback") }
  }

  /** Cuts the sessions of every publisher of this log, as a failing server or network would. */
  async cutPublishers(): Promise<number> {
    const cut = await this.pool`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'pulsecal-publisher'`
    return cut.length
  }

  async table(): Promise<{ offset: number | null; id: string; uid: string }[]> {
    return await this.pool<{ offset: number | null; id: string; uid: string }[]>`
      select "offset", id, data ->> 'uid' as uid from events order by "offset" nulls last`
  }

  async head(): Promise<number> {
    return (await findLog(this.pool)).head
  }

  async key(): Promise<string> {
    return streamKey((await findLog(this.pool)).id)
  }

  /** The stream's entries as (offset, event id). */
  async stream(redis: Redis): Promise<{ offset: number; id: string }[]> {
    const entries = await redis.xrange(await this.key(), "-", "+")
    return entries.map(([entry, fields]) => ({ offset: Number(entry.split("-")[0]), id: JSON.parse(fields[1] ?? "{}").id as string }))
  }

  /** Every committed event has its offset, offsets are dense, and the follower saw exactly the table, in order, each once. */
  async expectAllHeard(follower: TestFollower, timeoutMs?: number): Promise<void> {
    const rows = await this.table()
    expect(rows.map((r) => r.offset)).toEqual(rows.map((_, i) => i + 1))
    expect(await this.head()).toBe(rows.length)
    await follower.reaches(rows.length, timeoutMs)
    expect(follower.seen.map((e) => e.id)).toEqual(rows.map((r) => r.id))
    expect(follower.seen.map((e) => e.data.uid as string)).toEqual(rows.map((r) => r.uid))
    expect(follower.gaps).toEqual([])
  }

  /** The stream has the whole log, each event once. */
  async expectStreamComplete(redis: Redis): Promise<void> {
    expect(await this.stream(redis)).toEqual((await this.table()).map(({ offset, id }) => ({ offset: offset as number, id })))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.resume()
    for (const close of this.#closers.reverse()) await close()
    await this.server[Symbol.asyncDispose]()
    await this.database[Symbol.asyncDispose]()
  }
}
