/** What a noisy machine does to a process: the time in which it could have run, and no processor was free. */
import { existsSync, openSync, readSync } from "node:fs"

/** Of the thread that opens it: its time on a processor and its time of waiting for one, in nanoseconds, and how often it ran. */
const SCHEDULER_FIGURES = "/proc/thread-self/schedstat"
const NANOSECONDS = 1e6
const MICROSECONDS = 1e3

const file = existsSync(SCHEDULER_FIGURES) ? openSync(SCHEDULER_FIGURES, "r") : undefined
const text = Buffer.alloc(128)

/** Of the thread that imports this. Elsewhere than on Linux nothing is known of it: 0. */
function processorWaitMs(): number {
  if (file === undefined) return 0
  const length = readSync(file, text, 0, text.length, 0)
  return Number(text.toString("latin1", 0, length).split(" ")[1]) / NANOSECONDS
}

/** Of a time on the clock, ms: in how much of it the thread ran, and in how much it waited for a processor. The rest it slept. */
export type Passed = { ms: number; ranMs: number; waitedMs: number }

/** Returns a function that tells what has passed since. */
export function startClock(): () => Passed {
  const [since, ran, waited] = [performance.now(), processorTimeMs(), processorWaitMs()]
  return () => ({ ms: performance.now() - since, ranMs: processorTimeMs() - ran, waitedMs: processorWaitMs() - waited })
}

function processorTimeMs(): number {
  // Asking for the whole process's brings the thread's up to date, which else may be 4 ms old.
  process.cpuUsage()
  const { user, system } = process.threadCpuUsage()
  return (user + system) / MICROSECONDS
}
