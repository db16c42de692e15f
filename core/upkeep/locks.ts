import { isLockTimeout } from "../db.ts"
import { sleep } from "../time.ts"

/** What changes partitions gives up after a tenth of a second, in which everybody else waits behind it: sql/0010_event_partitions.sql. */
const TRIES = 5
/** In which all who waited get their turn. */
const PAUSE_MS = 500

/** What the change returns; undefined when its locks were not to be had at any try, for somebody reads at length. */
export async function unlessInUse<T>(change: () => Promise<T>): Promise<T | undefined> {
  for (let tried = 1; ; tried++) {
    try {
      return await change()
    } catch (error) {
      if (!isLockTimeout(error)) throw error
      if (tried === TRIES) return undefined
      await sleep(PAUSE_MS)
    }
  }
}

/** What was dropped, in rows; `inUse`: there is more, which could not be dropped now. */
export type Dropped = { rows: number; inUse: boolean }

/** Drops one partition after another, each in a transaction of its own, until `dropOldest` finds none that may go. */
export async function dropAll(dropOldest: () => Promise<number>): Promise<Dropped> {
  for (let rows = 0; ; ) {
    const dropped = await unlessInUse(dropOldest)
    if (!dropped) return { rows, inUse: dropped === undefined }
    rows += dropped
  }
}
