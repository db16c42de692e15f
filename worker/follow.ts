/** One worker at a time reads the event log and writes down what is to be done; the others stand by and take over. */
import type { Redis } from "ioredis"
import type { Pool } from "../core/db.ts"
import { type Batch, follow } from "../core/events/stream.ts"
import type { Log } from "../core/log.ts"
import { sleep } from "../core/time.ts"
import {
  commitUnhurried,
  findCursor,
  holdsReaderLock,
  insertCursor,
  insertEverythingDue,
  insertRollupsDue,
  listWaitingDoctors,
  moveCursor,
  readByIndex,
  releaseReaderLock,
  tryReaderLock,
} from "../core/work/queries.ts"
import { touchesOf } from "../core/work/touches.ts"

/** How often one who stands by asks for the lock, and how often the holder shows that it lives. */
const BEAT_MS = 1_000
const RETRY_MS = 200
/** Work that has waited this long has lost its job, or stands in a long queue, where asking again changes nothing. */
const LOST_AFTER_MS = 2_000
const SWEEP_ROWS = 2_000

export type ReaderOptions = {
  pool: Pool
  /** A pool of one connection: the session that holds the lock. */
  session: Pool
  /** A connection of its own, for waiting. */
  redis: Redis
  log: Log
  /** Told which doctors have work. */
  dispatch: (doctorIds: string[]) => void
}

/** Reads whenever it gets the lock, until the signal aborts. Never throws. */
export async function readLog(options: ReaderOptions, signal: AbortSignal): Promise<void> {
  const { session, log } = options
  while (!signal.aborted) {
    const turn = Bun.randomUUIDv7()
    try {
      if (await tryReaderLock(session, turn)) await readUnderLock(options, turn, signal)
      else await sleep(BEAT_MS, signal)
    } catch (error) {
      log.warn({ err: error }, "the worker's reading of the log was interrupted; it begins again where it stopped")
      await sleep(RETRY_MS, signal)
    } finally {
      await releaseReaderLock(session).catch(() => {})
    }
  }
}

async function readUnderLock(options: ReaderOptions, turn: string, signal: AbortSignal): Promise<void> {
  const { pool, redis, log } = options
  const lost = new AbortController()
  const either = AbortSignal.any([signal, lost.signal])
  const beating = beat(options, turn, either).finally(() => lost.abort())
  try {
    let cursor = await beginOrResume(pool)
    log.info({ cursor }, "this worker reads the event log")
    // Whoever read before may have ended between the rows and their jobs.
    options.dispatch(await listWaitingDoctors(pool, 0, SWEEP_ROWS))
    for await (const batch of follow({ pool, redis, log, after: cursor, signal: either })) {
      const { to, doctorIds } = await writeDown(pool, cursor, batch)
      cursor = to
      options.dispatch(doctorIds)
    }
  } finally {
    lost.abort()
    await beating
  }
}

/** Shows that this session lives, and looks for work that was lost. Ends when the lock is no longer ours. */
async function beat({ pool, session, dispatch }: ReaderOptions, turn: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      if (!(await holdsReaderLock(session, turn))) return
      dispatch(await listWaitingDoctors(pool, LOST_AFTER_MS, SWEEP_ROWS))
    } catch {
      return
    }
    await sleep(BEAT_MS, signal)
  }
}

/** The very first worker begins at the log's head with everything to do. */
async function beginOrResume(pool: Pool): Promise<number> {
  for (;;) {
    const cursor = await findCursor(pool)
    if (cursor !== undefined) return cursor
    await pool.begin(async (tx) => {
      if (await insertCursor(tx)) await insertEverythingDue(tx)
    })
  }
}

/** Work and cursor in one transaction. Throws when another worker has moved the cursor: the lock was lost without a word. */
async function writeDown(pool: Pool, from: number, batch: Batch): Promise<{ to: number; doctorIds: string[] }> {
  return await pool.begin(async (tx) => {
    await Promise.all([commitUnhurried(tx), readByIndex(tx)])
    const to = batch.kind === "gap" ? batch.to : (batch.events.at(-1)?.offset ?? from)
    if (!(await moveCursor(tx, from, to))) throw new Error("another worker reads the log")
    if (batch.kind === "gap") {
      await insertEverythingDue(tx)
      return { to, doctorIds: [] }
    }
    const touches = touchesOf(batch.events)
    const none = touches.appointments.length + touches.paymentIds.length + touches.doctorIds.length === 0
    return { to, doctorIds: none ? [] : await insertRollupsDue(tx, touches) }
  })
}
