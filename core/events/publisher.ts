/**
 * Gives committed events their offsets and puts them on the Redis stream.
 *
 * Holding one Postgres session lock: number the committed rows and commit; read the stream's last id afresh; add every
 * event after it, under the explicit id `<offset>-0`; unlock; look once more, because whoever found the lock taken left
 * its work to us. A publisher that stops anywhere in between loses nothing: the next one starts from the same facts.
 */
import type { Redis } from "ioredis"
import type { Pool } from "../db.ts"
import type { Log } from "../log.ts"
import type { LoggedEvent } from "./catalog.ts"
import { assignOffsets, findLog, hasUnpublished, type LogState, listEvents, releasePublisherLock, tryPublisherLock } from "./queries.ts"

/** One statement and one pipeline: large enough to amortise them, small enough to stay within the statement timeout. */
const BATCH_EVENTS = 1_000

export type PublisherOptions = {
  /** A pool of one connection: the session that holds the lock. */
  session: Pool
  redis: Redis
  log: Log
  /** The stream keeps at least this many of the newest events. */
  streamMaxEvents: number
}

/** The stream of one database's log. Another database's events can never be read under this key. */
export function streamKey(logId: string): string {
  return `pulsecal:events:${logId}`
}

/** Numbers what is committed, in batches. Returns the newly numbered events. The caller holds the lock. */
export async function numberCommitted(session: Pool): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = []
  for (;;) {
    const batch = await assignOffsets(session, BATCH_EVENTS)
    events.push(...batch)
    // What arrives meanwhile waits for the second look: a batch that never ends would keep the stream waiting.
    if (batch.length < BATCH_EVENTS || events.length >= 10 * BATCH_EVENTS) return events
  }
}

/** The offset of the stream's newest entry, 0 for an empty or missing stream. */
export async function lastStreamed(redis: Redis, key: string): Promise<number> {
  const [last] = await redis.xrevrange(key, "+", "-", "COUNT", 1)
  if (last) return offsetOf(last[0])
  // Trimmed to nothing, a stream still remembers its last id and refuses smaller ones.
  return (await redis.exists(key)) === 0 ? 0 : offsetOf(await lastGeneratedId(redis, key))
}

async function lastGeneratedId(redis: Redis, key: string): Promise<string> {
  const info = (await redis.xinfo("STREAM", key)) as unknown[]
  return String(info[info.indexOf("last-generated-id") + 1])
}

export function offsetOf(entryId: string): number {
  return Number(entryId.slice(0, entryId.indexOf("-")))
}

/** Brings the stream up to the log's head. `fresh` are events that need not be read again. The caller holds the lock. */
export async function fillStream(db: Pool, redis: Redis, log: LogState, fresh: LoggedEvent[], streamMaxEvents: number): Promise<void> {
  const key = streamKey(log.id)
  let last = await lastStreamed(redis, key)
  if (last > log.head) {
    // Events that this database does not know: it was restored from an older copy. Their past is not ours.
    await redis.del(key)
    last = 0
  }
  let at = Math.max(last, log.head - streamMaxEvents, log.floor)
  while (at < log.head) {
    const known = fresh[0] !== undefined && fresh[0].offset === at + 1
    const batch = known ? fresh.splice(0, BATCH_EVENTS) : await listEvents(db, at, log.head, BATCH_EVENTS)
    if (batch.length === 0) return
    await addEntries(redis, key, batch, streamMaxEvents)
    at = (batch.at(-1) as LoggedEvent).offset
  }
}

async function addEntries(redis: Redis, key: string, events: LoggedEvent[], streamMaxEvents: number): Promise<void> {
  const pipeline = redis.pipeline()
  for (const e of events)
    pipeline.xadd(
      key,
      "MAXLEN",
      "~",
      streamMaxEvents,
      `${e.offset}-0`,
      "id",
      e.id,
      "name",
      e.name,
      "subject",
      e.subject,
      "rooms",
      JSON.stringify(e.rooms),
      "data",
      JSON.stringify(e.data),
      "at",
      e.occurredAt.toISOString(),
    )
  for (const [error] of (await pipeline.exec()) ?? []) {
    // "Equal or smaller" is the answer of a stream that has it already.
    if (error && !error.message.includes("equal or smaller")) throw error
  }
}

export class Publisher {
  #running: Promise<void> | undefined
  #again = false
  #closed = false
  #redisAway = false

  constructor(private readonly options: PublisherOptions) {}

  /** Publishes what is committed, soon; calls while one runs become one more run. Never throws: the sweep tries again. */
  nudge(): void {
    if (this.#closed) return
    if (this.#running) {
      this.#again = true
      return
    }
    this.#running = this.#run().finally(() => {
      this.#running = undefined
      if (this.#again) {
        this.#again = false
        this.nudge()
      }
    })
  }

  /** As {@link nudge}, and resolves when the run that follows this call is over. */
  async sweep(): Promise<void> {
    await this.#running
    this.nudge()
    await this.#running
  }

  /** Finishes the run in progress and starts no other. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  async #run(): Promise<void> {
    try {
      while (await this.#publishOnce());
    } catch (error) {
      this.options.log.warn({ err: error }, "publishing failed; the next sweep tries again")
    }
  }

  /** One turn under the lock. True when there is more to do that nobody else will. */
  async #publishOnce(): Promise<boolean> {
    const { session } = this.options
    if (!(await tryPublisherLock(session))) return false
    try {
      const fresh = await numberCommitted(session)
      await this.#fill(fresh)
    } finally {
      await releasePublisherLock(session)
    }
    return !this.#closed && (await hasUnpublished(session))
  }

  /** Without Redis the offsets alone are enough: readers compare themselves with the table. */
  async #fill(fresh: LoggedEvent[]): Promise<void> {
    const { session, redis, log, streamMaxEvents } = this.options
    try {
      await fillStream(session, redis, await findLog(session), fresh, streamMaxEvents)
      if (this.#redisAway) log.info("Redis is back: the stream is filled up to the head")
      this.#redisAway = false
    } catch (error) {
      if (!this.#redisAway) log.warn({ err: error }, "the stream cannot be written; readers follow the table until it can")
      this.#redisAway = true
    }
  }
}
