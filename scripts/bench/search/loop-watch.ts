/**
 * Preloaded into an API process that a benchmark starts: how much later than it should its event loop comes to a timer, and how much of that it
 * ran or waited for a processor, and how long upkeep of its index held it. Tells it to the process that started it, whenever that asks.
 */
import { DoctorIndex } from "../../../core/doctors/index/doctor-index.ts"
import { type Passed, startClock } from "../processor-wait.ts"

/** Up to this much of a delay may be taken for the process's own, though it was spent before the timer was due. */
const STEP_MS = 1
/** What requests may be held for. */
const HOLD_MS = 5

export type LoopDelays = {
  /** On the clock, and how much of it the thread waited for a processor. */
  longest: { ms: number; waitedMs: number }
  /** The longest that the thread ran in a delay. */
  longestRunMs: number
  /** Delays in which it ran for more than 5 ms. */
  over: number
  ticks: number
  /** The longest that a piece of the index's upkeep ran, and how many there were. */
  upkeep: { longestRunMs: number; pieces: number }
}

let delays: LoopDelays = nothing()

function nothing(): LoopDelays {
  return { longest: { ms: 0, waitedMs: 0 }, longestRunMs: 0, over: 0, ticks: 0, upkeep: { longestRunMs: 0, pieces: 0 } }
}

function note({ ms, ranMs, waitedMs }: Passed): void {
  const late = ms - STEP_MS
  const run = Math.min(late, ranMs)
  if (late > delays.longest.ms) delays.longest = { ms: late, waitedMs: Math.min(late, waitedMs) }
  delays.longestRunMs = Math.max(delays.longestRunMs, run)
  if (run > HOLD_MS) delays.over++
  delays.ticks++
}

function tick(): void {
  const passed = startClock()
  setTimeout(() => {
    note(passed())
    tick()
  }, STEP_MS).unref()
}

const { maintain } = DoctorIndex.prototype
DoctorIndex.prototype.maintain = function (budgetMs) {
  const passed = startClock()
  const more = maintain.call(this, budgetMs)
  delays.upkeep.longestRunMs = Math.max(delays.upkeep.longestRunMs, passed().ranMs)
  delays.upkeep.pieces++
  return more
}

tick()
// Whatever was delayed until it is asked for is told, and forgotten.
process.on("message", () => {
  process.send?.(delays)
  delays = nothing()
})
