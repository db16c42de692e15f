/** Reads every doctor from Postgres, as they were at one offset of the event log. */
import type { Pool, Tx } from "../../db.ts"
import { findLog, type LogState } from "../../events/queries.ts"
import { unlessAborted } from "../../events/stream.ts"
import { DoctorIndex, doctorChecksum } from "./doctor-index.ts"
import { Slices } from "./load-slices.ts"
import { estimateDoctors, fetchListings, listDoctorsInTurn, openListings } from "./queries.ts"
import { releaseIndex } from "./release.ts"

/** Asked for ahead, so that the server and we work at the same time. */
const FETCHES_AHEAD = 2

/** No doctor takes less: their JSON, what searches look at, and a place in two trees. */
const DOCTOR_BYTES_MIN = 400

export class TooLarge extends Error {
  override name = "TooLarge"
}

export type LoadOptions = {
  pool: Pool
  /** More than this is refused with {@link TooLarge}, as soon as it is seen. */
  maxBytes: number
  signal: AbortSignal
}

export type Loaded = { index: DoctorIndex; log: LogState }

/** An index of the table as it was when the log ended at `log.head`. Rejects when the signal aborts, at once. */
export async function loadIndex({ pool, maxBytes, signal }: LoadOptions): Promise<Loaded> {
  const estimate = await unlessAborted(estimateDoctors(pool), signal)
  // No more can come: room for them must not itself be what is too large.
  const index = new DoctorIndex({ expected: Math.min(estimate, Math.floor(maxBytes / DOCTOR_BYTES_MIN)) })
  const requireRoom = () => {
    signal.throwIfAborted()
    if (index.bytes > maxBytes) throw new TooLarge(`more than ${maxBytes} bytes for ${index.size} doctors`)
  }
  try {
    const log = await readDoctors(pool, signal, index, requireRoom)
    await finish(index, requireRoom)
    return { index, log }
  } catch (error) {
    // Who stops may still be reading into it, and the process ends.
    if (!signal.aborted) await releaseIndex(index, signal)
    throw error
  }
}

async function finish(index: DoctorIndex, between: () => void): Promise<void> {
  const slices = new Slices()
  for (const _ of index.finish()) {
    if (!slices.isOver) continue
    await slices.next()
    between()
  }
  between()
}

/** The same over the table as {@link DoctorIndex.checksum} is over an index. */
export async function checksumOfTable(pool: Pool, signal: AbortSignal): Promise<bigint> {
  let sum = 0n
  for await (const doctors of listDoctorsInTurn(pool)) {
    signal.throwIfAborted()
    for (const doctor of doctors) sum += doctorChecksum(doctor)
  }
  return BigInt.asUintN(64, sum)
}

/**
 * Adds every active doctor, near ones near each other, and returns the log as it was at the same moment: whatever has an
 * offset up to its head had been committed, and so is in the rows. `between` runs now and then and may throw.
 */
async function readDoctors(pool: Pool, signal: AbortSignal, index: DoctorIndex, between: () => void): Promise<LogState> {
  const reading = pool.begin("isolation level repeatable read read only", async (tx) => {
    const log = await findLog(tx)
    await openListings(tx)
    const fetching = Array.from({ length: FETCHES_AHEAD }, () => fetchAhead(tx))
    const slices = new Slices()
    for (;;) {
      const pages = await (fetching.shift() as Promise<Buffer[]>)
      if (pages.length === 0) return log
      fetching.push(fetchAhead(tx))
      await slices.next()
      for (const page of pages) {
        index.addPage(page)
        if (slices.isOver) await slices.next()
      }
      signal.throwIfAborted()
      between()
    }
  })
  // What goes on after an abort ends with its next rows; nobody waits for it.
  return (await unlessAborted(reading, signal)) as LogState
}

/** Nobody waits for one that was asked for when an earlier one failed. */
function fetchAhead(tx: Tx): Promise<Buffer[]> {
  const pages = fetchListings(tx)
  pages.catch(() => {})
  return pages
}
