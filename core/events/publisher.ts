/**
 * Gives committed events their offsets and puts them on the Redis stream.
 *
 * Holding one Postgres session lock: number the committed rows and commit; read the stream's last id afresh; add every
 * event after it, under the explicit id `<offset>-0`; unlock; look once more, because whoever found the lock taken left
 * its work to us. A publisher that stops anywhere in between loses nothing: the next one starts from the same facts.
 */
import { hash } from "node:crypto"
import type { Redis } from "ioredis"
import type { Pool } from "../db.ts"
import type { Log } from "../log.ts"
import {
  assignOffsets,
  findLogUnderLock,
  hasUnpublished,
  type LogState,
  listEntries,
  releasePublisherLock,
  type StreamEntry,
  tryPublisherLock,
} from "./queries.ts"

/** One statement and one command: large enough to amortise them, small enough to stay within the statement timeout. */
const BATCH_EVENTS = 1_000
/**
 * What one turn numbers, and how far behind the head it fills the stream: some 0.1 s of work, during which new commits
 * wait. After a wiped Redis older entries would be of no use: whoever is further behind reads the table.
 */
const TURN_EVENTS = 10 * BATCH_EVENTS

/**
 * A turn costs about the same for one event as for ten. Where turns find several, the next one waits a little for more, so that a busy
 * system pays a fraction for each; where they find one, nobody waits.
 */
const BUSY_TURN_EVENTS = 4
const BUSY_PAUSE_MS = 4

/** Told of every turn that did something, or could not. */
export type PublisherObserver = {
  published: (events: number, oldest: Date) => void
  failed: (target: "log" | "stream") => void
}

export type PublisherOptions = {
  /** A pool of one connection: the session that holds the lock. */
  session: Pool
  redis: Redis
  log: Log
  /** The stream keeps at least this many of the newest events. */
  streamMaxEvents: number
  observer?: PublisherObserver
}

/** The stream of one database's log. Another database's events can never be read under this key. */
export function streamKey(logId: string): string {
  return `pulsecal:events:${logId}`
}

/** Numbers what is committed, in batches, and returns it. Does nothing unless the session holds the lock for `turn`. */
export async function numberCommitted(session: Pool, turn: string): Promise<StreamEntry[]> {
  const events: StreamEntry[] = []
  for (;;) {
    const batch = await assignOffsets(session, BATCH_EVENTS, turn)
    events.push(...batch)
    // What arrives meanwhile waits for the second look: a batch that never ends would keep the stream waiting.
    if (batch.length < BATCH_EVENTS || events.length >= TURN_EVENTS) return events
  }
}

/** The newest offset the stream has ever had, 0 for a missing stream. One that was trimmed to nothing still refuses smaller ones. */
export async function lastStreamed(redis: Redis, key: string): Promise<number> {
  try {
    const info = (await redis.xinfo("STREAM", key)) as unknown[]
    return offsetOf(String(info[info.indexOf("last-generated-id") + 1]))
  } catch (error) {
    if (isReply(error, "ERR no such key")) return 0
    if (!isReply(error, "WRONGTYPE")) throw error
    // Whatever took our key, it is no stream.
    await redis.del(key)
    return 0
  }
}

function isReply(error: unknown, prefix: string): boolean {
  return error instanceof Error && error.message.startsWith(prefix)
}

export function offsetOf(entryId: string): number {
  return Number(entryId.slice(0, entryId.indexOf("-")))
}

/** Brings the stream up to the log's head. `fresh` are events that need not be read again. The caller holds the lock. */
export async function fillStream(db: Pool, redis: Redis, log: LogState, fresh: StreamEntry[], streamMaxEvents: number): Promise<void> {
  const key = streamKey(log.id)
  let last = await lastStreamed(redis, key)
  if (last > log.head) {
    // Events that this database does not know: it was restored from an older copy. Their past is not ours.
    await redis.del(key)
    last = 0
  }
  let at = Math.max(last, log.head - Math.min(streamMaxEvents, TURN_EVENTS), log.floor)
  while (at < log.head) {
    const batch = knownAfter(fresh, at) ?? (await listEntries(db, at, log.head, BATCH_EVENTS))
    if (batch.length === 0) return
    await addEntries(redis, key, batch, streamMaxEvents)
    at = (batch.at(-1) as StreamEntry).offset
  }
}

/** The next batch from what was just numbered, if it has the event after `at`. Its offsets are dense. */
function knownAfter(fresh: StreamEntry[], at: number): StreamEntry[] | undefined {
  const index = fresh[0] === undefined ? -1 : at + 1 - fresh[0].offset
  return index >= 0 && index < fresh.length ? fresh.slice(index, index + BATCH_EVENTS) : undefined
}

/**
 * KEYS: the stream. ARGV: its length, then offset and event by turns. One command instead of one an event, which each cost the process more
 * than Redis. "Equal or smaller" is the answer of a stream that has it already.
 */
const ADD_ENTRIES = `
for i = 2, #ARGV, 2 do
  local added = redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], ARGV[i] .. '-0', 'event', ARGV[i + 1])
  if added.err and not string.find(added.err, 'equal or smaller', 1, true) then return added end
end`
const ADD_ENTRIES_SHA = hash("sha1", ADD_ENTRIES, "hex")

async function addEntries(redis: Redis, key: string, events: StreamEntry[], streamMaxEvents: number): Promise<void> {
  const entries: (string | number)[] = []
  for (const { offset, event } of events) entries.push(offset, event)
  try {
    await redis.evalsha(ADD_ENTRIES_SHA, 1, key, streamMaxEvents, ...entries)
  } catch (error) {
    if (!isReply(error, "NOSCRIPT")) throw error
    await redis.eval(ADD_ENTRIES, 1, key, streamMaxEvents, ...entries)
  }
}

export class Publisher {
  #running: Promise<void> | undefined
  #again = false
  #closed = false
  #redisAway = false
  /** How many events the last turn numbered. */
  #lastTurn = 0

  constructor(private readonly options: PublisherOptions) {
    // A Redis that comes back may have been wiped: fill it before anyone has to wait.
    options.redis.on("ready", this.#onRedisReady)
  }

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
    this.options.redis.off("ready", this.#onRedisReady)
    await this.#running
  }

  #onRedisReady = (): void => this.nudge()

  async #run(): Promise<void> {
    try {
      while (await this.#publishOnce());
      if (this.#lastTurn >= BUSY_TURN_EVENTS) await Bun.sleep(BUSY_PAUSE_MS)
    } catch (error) {
      this.options.observer?.failed("log")
      this.options.log.warn({ err: error }, "publishing failed; the next sweep tries again")
    }
  }

  /** One turn. True when there is more to do that nobody else will. */
  async #publishOnce(): Promise<boolean> {
    const { session } = this.options
    try {
      if (!(await this.#underLock(Bun.randomUUIDv7()))) return false
    } catch (error) {
      // If this fails too the session is lost, or soon will be, and the lock with it.
      await releasePublisherLock(session).catch(() => {})
      throw error
    }
    const [, more] = await Promise.all([releasePublisherLock(session), hasUnpublished(session)])
    return more && !this.#closed
  }

  /** False when another publisher has the lock. One round trip up to the stream: the session runs these in this order. */
  async #underLock(turn: string): Promise<boolean> {
    const { session } = this.options
    const [locked, fresh, log] = await Promise.all([
      tryPublisherLock(session, turn),
      numberCommitted(session, turn),
      findLogUnderLock(session, turn),
    ])
    this.#lastTurn = fresh.length
    // A session that was lost on the way did nothing: the next look finds the work again.
    if (locked && log) await this.#fill({ ...log, head: Math.max(log.head, fresh.at(-1)?.offset ?? 0) }, fresh)
    if (fresh[0]) this.options.observer?.published(fresh.length, new Date(JSON.parse(fresh[0].event).occurredAt))
    return locked
  }

  /** Without Redis the offsets alone are enough: readers compare themselves with the table. */
  async #fill(state: LogState, fresh: StreamEntry[]): Promise<void> {
    const { session, redis, log, streamMaxEvents } = this.options
    // Not connected for the first time yet: when it is, there is a turn of its own.
    if (redis.status === "connecting" || redis.status === "connect") return
    try {
      await fillStream(session, redis, state, fresh, streamMaxEvents)
      if (this.#redisAway) log.info("Redis is back: the stream is filled up to the head")
      this.#redisAway = false
    } catch (error) {
      this.options.observer?.failed("stream")
      if (!this.#redisAway) log.warn({ err: error }, "the stream cannot be written; readers follow the table until it can")
      this.#redisAway = true
    }
  }
}
