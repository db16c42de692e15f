/**
 * Follows the event log. The stream is a fast hint, the table the truth: offsets are dense, so an entry that is not the
 * next one means that something must be read from the table first, and after a second of silence, or without Redis, the
 * follower compares itself with the table's head.
 */
import type { Redis } from "ioredis"
import type { Pool } from "../db.ts"
import type { Log } from "../log.ts"
import { sleep } from "../time.ts"
import type { EventName, LoggedEvent } from "./catalog.ts"
import { offsetOf, streamKey } from "./publisher.ts"
import { findLog, listEvents } from "./queries.ts"

const BATCH_EVENTS = 500
/** How long a reader waits for the stream before it looks at the table. */
const SILENCE_MS = 1_000
/** A read that has not come back by then never will: the connection is dead without a word. */
const READ_TIMEOUT_MS = SILENCE_MS + 2_000
/** How often the table is read while Redis is away. */
const WITHOUT_REDIS_MS = 200

export type Batch =
  | { kind: "events"; events: LoggedEvent[] }
  /** Events in (from, to] are gone or were never ours: whatever was derived from them must be loaded again. */
  | { kind: "gap"; from: number; to: number }

export type FollowOptions = {
  pool: Pool
  /** A connection of its own: it waits in XREAD. */
  redis: Redis
  log: Log
  /** The last offset already seen. */
  after: number
  signal: AbortSignal
}

/** Every event after `after`, in order, none missed, each once. Ends when the signal aborts; errors are waited out. */
export async function* follow({ pool, redis, log, after, signal }: FollowOptions): AsyncGenerator<Batch> {
  let cursor = after
  let failing = false
  while (!signal.aborted) {
    try {
      const key = streamKey((await findLog(pool)).id)
      for await (const batch of followFrom(pool, redis, key, cursor, signal)) {
        failing = false
        cursor = batch.kind === "gap" ? batch.to : (batch.events.at(-1) as LoggedEvent).offset
        yield batch
      }
    } catch (error) {
      if (signal.aborted) return
      if (!failing) log.warn({ err: error, cursor }, "the event log cannot be read; trying until it can")
      failing = true
      await sleep(WITHOUT_REDIS_MS, signal)
    }
  }
}

async function* followFrom(pool: Pool, redis: Redis, key: string, after: number, signal: AbortSignal): AsyncGenerator<Batch> {
  let cursor = after
  while (!signal.aborted) {
    const entries = await readStream(redis, key, cursor, signal)
    if (signal.aborted) return
    const first = entries?.[0]
    if (!entries || first === undefined || first.offset !== cursor + 1 || !isDense(entries)) {
      for await (const batch of readTable(pool, cursor, first?.offset)) {
        cursor = batch.kind === "gap" ? batch.to : (batch.events.at(-1) as LoggedEvent).offset
        yield batch
      }
      continue
    }
    cursor = (entries.at(-1) as LoggedEvent).offset
    yield { kind: "events", events: entries }
  }
}

function isDense(events: LoggedEvent[]): boolean {
  return events.every((e, i) => i === 0 || e.offset === (events[i - 1] as LoggedEvent).offset + 1)
}

/** The table's events after `cursor`, up to its head; `hint` is an offset the stream has shown, which the head cannot be behind. */
async function* readTable(pool: Pool, cursor: number, hint = 0): AsyncGenerator<Batch> {
  const { head, floor } = await findLog(pool)
  if (cursor > head && hint <= head) {
    // This database never wrote what we have seen: it was restored from an older copy.
    yield { kind: "gap", from: cursor, to: head }
    return
  }
  let at = cursor
  if (at < floor) {
    yield { kind: "gap", from: at, to: floor }
    at = floor
  }
  while (at < head) {
    const events = await listEvents(pool, at, head, BATCH_EVENTS)
    if (events.length === 0) return
    at = (events.at(-1) as LoggedEvent).offset
    yield { kind: "events", events }
  }
}

/** Entries after the cursor; undefined after silence, or when Redis is away (then after a short wait). */
async function readStream(redis: Redis, key: string, cursor: number, signal: AbortSignal): Promise<LoggedEvent[] | undefined> {
  if (redis.status !== "ready") {
    await sleep(WITHOUT_REDIS_MS, signal)
    return undefined
  }
  let timer: Timer | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the stream's reader was not answered")), READ_TIMEOUT_MS)
  })
  try {
    const read = redis.xread("COUNT", BATCH_EVENTS, "BLOCK", SILENCE_MS, "STREAMS", key, `${cursor}-0`)
    read.catch(() => {})
    const answer = await Promise.race([read, timeout])
    return answer?.[0]?.[1].map(([id, fields]) => parseEntry(id, fields))
  } catch {
    // Away, restarting, or dead without a word: drop the connection, so that the next one is fresh.
    if (redis.status === "ready") redis.disconnect(true)
    await sleep(WITHOUT_REDIS_MS, signal)
    return undefined
  } finally {
    clearTimeout(timer)
  }
}

function parseEntry(entryId: string, fields: string[]): LoggedEvent {
  const field = (name: string) => fields[fields.indexOf(name) + 1] as string
  return {
    offset: offsetOf(entryId),
    id: field("id"),
    name: field("name") as EventName,
    subject: field("subject"),
    rooms: JSON.parse(field("rooms")),
    data: JSON.parse(field("data")),
    occurredAt: new Date(field("at")),
  }
}
