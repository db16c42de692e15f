import { sleep } from "../../time.ts"
import type { DoctorIndex } from "./doctor-index.ts"

/** Between two megabytes: the system takes them back in a fraction of that. */
const PAUSE_MS = 1

/**
 * Gives back the memory of an index that nobody searches any more, by and by, before another one takes as much: the collector would give
 * hundreds of megabytes back at once. Ends with the signal.
 */
export async function releaseIndex(index: DoctorIndex, signal: AbortSignal): Promise<void> {
  for (const _ of index.release()) {
    await sleep(PAUSE_MS, signal)
    if (signal.aborted) return
  }
}
