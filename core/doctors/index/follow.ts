/**
 * Keeps an index up to date by the event log. An event only says which doctor to look at: rows are read as they are now, one
 * reading after the other, so the index never goes back behind a row it has seen, whatever the order and number of the events.
 */
import type { Redis } from "ioredis"
import type { Pool } from "../../db.ts"
import type { LoggedEvent } from "../../events/catalog.ts"
import type { LogState } from "../../events/queries.ts"
import { follow, unlessAborted } from "../../events/stream.ts"
import type { Log } from "../../log.ts"
import { sleep } from "../../time.ts"
import type { DoctorIndex } from "./doctor-index.ts"
import { Slices } from "./load-slices.ts"
import { listDoctorsNow } from "./queries.ts"
import type { SlowSearches } from "./slow-searches.ts"

/** With the rows of its doctors, less than a millisecond of the event loop at a time. After an outage there are many batches. */
const BATCH_EVENTS = 100
/** How often rows are asked for while Postgres is away. */
const RETRY_MS = 200

export type FollowIndexOptions = {
  index: DoctorIndex
  pool: Pool
  /** A connection of its own: it waits in XREAD. */
  redis: Redis
  log: Log
  /** The log as it was when the index was loaded. */
  from: LogState
  signal: AbortSignal
  /** While one of them goes on, nothing is changed. */
  slowSearches: SlowSearches
  /** Everything up to this offset is in the index. Whatever it throws ends the following. */
  onRead: (offset: number, changed: boolean) => void
}

/** Follows until the signal aborts, or until the index must be loaded again: something is missing from the log, or came without it. */
export async function followIndex(options: FollowIndexOptions): Promise<void> {
  const { pool, redis, log, from, signal, onRead } = options
  for await (const batch of follow({ pool, redis, log, after: from.head, logId: from.id, batchEvents: BATCH_EVENTS, signal })) {
    if (batch.kind === "gap") {
      log.warn({ from: batch.from, to: batch.to }, "events are missing from the log; the search index is loaded again")
      return
    }
    if (batch.events.some((e) => e.name === "doctors:imported")) {
      log.info("many doctors came at once; the search index is loaded again")
      return
    }
    const ids = changedDoctors(batch.events)
    if (ids.length > 0) await takeIn(await readUntilRead(pool, ids, log, signal), ids, options)
    if (signal.aborted) return
    onRead((batch.events.at(-1) as LoggedEvent).offset, ids.length > 0)
  }
}

/** Each once, however often it changed: the batch's bound is theirs too. */
function changedDoctors(events: LoggedEvent[]): string[] {
  return [...new Set(events.filter((e) => e.name === "doctor:changed").map((e) => String(e.data.doctorId)))]
}

type DoctorNow = Awaited<ReturnType<typeof listDoctorsNow>>[number]

/** While Postgres is away the index goes on as it is, and catches up afterwards. */
async function readUntilRead(pool: Pool, ids: string[], log: Log, signal: AbortSignal): Promise<DoctorNow[]> {
  let failing = false
  while (!signal.aborted) {
    try {
      return await unlessAborted(listDoctorsNow(pool, ids), signal)
    } catch (error) {
      if (!failing && !signal.aborted) log.warn({ err: error }, "changed doctors cannot be read; searches show them as they were")
      failing = true
      await sleep(RETRY_MS, signal)
    }
  }
  return []
}

async function takeIn(rows: DoctorNow[], ids: string[], { index, slowSearches, signal }: FollowIndexOptions): Promise<void> {
  const slices = new Slices()
  const rowOf = new Map(rows.map((row) => [row.id, row]))
  for (const id of ids) {
    if (slices.isOver) await slices.next()
    if (slowSearches.isRunning) await slowSearches.untilNone()
    if (signal.aborted) return
    const row = rowOf.get(id)
    // Nothing in the product deletes doctors, or puts one back; an operator may.
    if (!row) index.forget(id)
    else if (row.active) index.upsert(row)
    else index.remove(id, row.version)
  }
}
