/**
 * Follows the event log. The stream is a fast hint, the table the truth: offsets are dense, so an entry that is not the
 * next one means that something must be read from the table first, and after a second of silence, or without Redis, the
 * follower compares itself with the table's head.
 */
import type { Redis } from "ioredis"
import type { Pool } from "../db.ts"
import type { Log } from "../log.ts"
import { MAX_BLOCK_MS } from "../redis.ts"
import { sleep } from "../time.ts"
import type { LoggedEvent } from "./catalog.ts"
import { offsetOf, streamKey } from "./publisher.ts"
import { findLog, type LogState, listEvents } from "./queries.ts"

/** Large enough that a consumer who pays for each batch pays little for an event. */
const BATCH_EVENTS = 500
/** How long a reader waits for the stream before it looks at the table. */
const SILENCE_MS = MAX_BLOCK_MS
/** How often the table is read while Redis is away. */
const WITHOUT_REDIS_MS = 200

export type Batch =
  | { kind: "events"; events: LoggedEvent[] }
  /** Events in (from, to] are gone or were never ours: whatever was derived from them must be loaded again. */
  | { kind: "gap"; from: number; to: number }

export type FollowOptions = {
  pool: Pool
  /** A connection of its own: it waits in XREAD, for up to a second after the signal too. */
  redis: Redis
  log: Log
  /** The last offset already seen. */
  after: number
  /** Of which log; where it is not given, of the one that is found first. */
  logId?: string
  /** Events of a batch at most. A batch arrives and is read at once, and the event loop serves nobody meanwhile. */
  batchEvents?: number
  signal: AbortSignal
}

type Reader = Required<Pick<FollowOptions, "pool" | "redis" | "batchEvents" | "signal">>

/** Every event after `after`, in order, none missed, each once. Ends when the signal aborts; errors are waited out. */
export async function* follow(options: FollowOptions): AsyncGenerator<Batch> {
  const { log, after, logId, signal } = options
  const reader = { batchEvents: BATCH_EVENTS, ...options }
  let cursor = after
  let failing = false
  const known: KnownLog = { id: logId }
  while (!signal.aborted) {
    try {
      for await (const batch of followFrom(reader, cursor, known)) {
        if (failing) log.info({ cursor }, "the event log can be read again")
        failing = false
        cursor = endOf(batch)
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

/** Kept while the table cannot be read: what answers afterwards may be another database. */
type KnownLog = { id: string | undefined }

function endOf(batch: Batch): number {
  return batch.kind === "gap" ? batch.to : (batch.events.at(-1) as LoggedEvent).offset
}

/** The table up to its head, then the stream as long as it goes on exactly where we are, then the table again. */
async function* followFrom(reader: Reader, after: number, known: KnownLog): AsyncGenerator<Batch> {
  const { pool, signal } = reader
  let cursor = after
  let shown = 0
  while (!signal.aborted) {
    const log = await unlessAborted(findLog(pool), signal)
    if (cursor > log.head || (known.id !== undefined && log.id !== known.id)) {
      // This database never wrote what we have seen: it was restored from an older copy, or is another one.
      yield { kind: "gap", from: cursor, to: log.head }
      cursor = log.head
    }
    known.id = log.id
    // What the stream shows and the table has not got is another past's, which the next publisher deletes.
    if (shown > log.head) await sleep(WITHOUT_REDIS_MS, signal)
    for await (const batch of readTable(reader, cursor, log)) {
      cursor = endOf(batch)
      yield batch
    }
    const key = streamKey(log.id)
    let events = await readStream(reader, key, cursor)
    while (events !== undefined && goesOnAfter(cursor, events)) {
      cursor = (events.at(-1) as LoggedEvent).offset
      yield { kind: "events", events }
      events = await readStream(reader, key, cursor)
    }
    shown = events?.[0]?.offset ?? 0
  }
}

function goesOnAfter(cursor: number, events: LoggedEvent[]): boolean {
  return events.length > 0 && events.every((e, i) => e.offset === cursor + 1 + i)
}

/** The table's events after `cursor`, up to its head. What is no longer kept is a gap. */
async function* readTable({ pool, batchEvents, signal }: Reader, cursor: number, { head, floor }: LogState): AsyncGenerator<Batch> {
  let at = cursor
  if (at < floor) {
    yield { kind: "gap", from: at, to: floor }
    at = floor
  }
  while (at < head) {
    const events = await unlessAborted(listEvents(pool, at, head, batchEvents), signal)
    const first = events[0]
    // All of it was deleted since the floor was read: the caller reads it again.
    if (first === undefined) return
    if (first.offset !== at + 1) yield { kind: "gap", from: at, to: first.offset - 1 }
    yield { kind: "events", events }
    at = (events.at(-1) as LoggedEvent).offset
  }
}

/** Entries after the cursor; undefined after silence, or when Redis is away or of no use (then after a short wait). */
async function readStream({ redis, batchEvents, signal }: Reader, key: string, cursor: number): Promise<LoggedEvent[] | undefined> {
  try {
    // The connection bounds the wait: one that is not answered is dropped and made anew.
    const read = redis.xread("COUNT", batchEvents, "BLOCK", SILENCE_MS, "STREAMS", key, `${cursor}-0`)
    const answer = await unlessAborted(read, signal)
    return answer?.[0]?.[1].map(([id, fields]) => parseEntry(id, fields))
  } catch {
    await sleep(WITHOUT_REDIS_MS, signal)
    return undefined
  }
}

function parseEntry(entryId: string, [, event = ""]: string[]): LoggedEvent {
  const parsed = JSON.parse(event)
  return { ...parsed, offset: offsetOf(entryId), occurredAt: new Date(parsed.occurredAt) }
}

/** The promise's outcome, or at once a rejection when the signal aborts: nothing here may hold up a stop. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener("abort", onAbort)
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort))
  })
}
