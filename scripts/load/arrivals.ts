/**
 * Requests that arrive when they are due, whether or not earlier ones were answered. Each is timed from the moment it was due: who
 * waits to send until the server has answered leaves out exactly the requests that a stall would have hit ("coordinated omission":
 * Gil Tene, "How NOT to Measure Latency", 2015; his wrk2 does the same).
 */
import type { Tally } from "./tally.ts"

/** Sends one request and says how it ended: its status, or the name of what went wrong. Never throws. */
export type Send = (nth: number) => Promise<string>

export type ArrivalsOptions = {
  perSecond: number
  seconds: number
  /** No more requests than this are open at once; those due meanwhile are sent as soon as there is room, their clocks running. */
  inFlightMax: number
  /** How long after the last one was due answers are waited for. */
  drainMs: number
  /** Ends the arrivals; what is open is still waited for. */
  signal: AbortSignal
}

/** Timers are no finer. */
const TICK_MS = 1

/** Sends them all, or until the signal or the end of the drain, and counts each however it ended. Resolves to the milliseconds it took. */
export async function sendArrivals(send: Send, tally: Tally, options: ArrivalsOptions): Promise<number> {
  const { perSecond, seconds, inFlightMax, drainMs, signal } = options
  const count = Math.round(perSecond * seconds)
  const startedMs = performance.now()
  const dueMs = (nth: number) => startedMs + (nth * 1000) / perSecond
  const endMs = dueMs(count) + drainMs
  const open = new Set<number>()
  let next = 0

  function launch(nth: number): void {
    open.add(nth)
    tally.sent(performance.now() - dueMs(nth))
    send(nth).then((outcome) => {
      if (open.delete(nth)) tally.ended(outcome, performance.now() - dueMs(nth))
    })
  }

  while (next < count && !signal.aborted && performance.now() < endMs) {
    while (next < count && open.size < inFlightMax && dueMs(next) <= performance.now()) launch(next++)
    await Bun.sleep(Math.max(TICK_MS, Math.min(dueMs(next) - performance.now(), drainMs)))
  }
  const drainedMs = Math.min(endMs, performance.now() + drainMs)
  while (open.size > 0 && performance.now() < drainedMs) await Bun.sleep(TICK_MS)

  const nowMs = performance.now()
  for (const nth of open) tally.ended("no answer", nowMs - dueMs(nth))
  open.clear()
  // What was due and found no room has waited too; what an interrupt kept from arriving was never due.
  for (; next < count && dueMs(next) <= nowMs && !signal.aborted; next++) tally.ended("not sent", nowMs - dueMs(next))
  return nowMs - startedMs
}
