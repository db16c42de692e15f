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
  /** Ends the arrivals: what was due by then is still sent where there is room, and what is open is waited for. */
  signal: AbortSignal
}

/** Timers are no finer. */
const TICK_MS = 1

/** How long it took, and after how long it was interrupted; undefined if it was not. */
export type Arrivals = { tookMs: number; interruptedMs: number | undefined }

/** How it ended for what was sent and not answered, and for what was due and never found room. */
const NO_ANSWER = "no answer"
export const NOT_SENT = "not sent"

/** Sends them all, or until the signal or the end of the drain, and counts each that was due however it ended. */
export async function sendArrivals(send: Send, tally: Tally, options: ArrivalsOptions): Promise<Arrivals> {
  const { perSecond, seconds, inFlightMax, drainMs, signal } = options
  const count = Math.round(perSecond * seconds)
  const startedMs = performance.now()
  const dueMs = (nth: number) => startedMs + (nth * 1000) / perSecond
  const endMs = dueMs(count) + drainMs
  const open = new Set<number>()
  let next = 0
  let interruptedAtMs = Number.POSITIVE_INFINITY
  const interrupt = () => {
    interruptedAtMs = performance.now()
  }
  if (signal.aborted) interrupt()
  else signal.addEventListener("abort", interrupt, { once: true })

  function launch(nth: number): void {
    open.add(nth)
    tally.sent(performance.now() - dueMs(nth))
    send(nth).then((outcome) => {
      if (open.delete(nth)) tally.ended(outcome, performance.now() - dueMs(nth))
    })
  }

  function launchDue(byMs: number): void {
    while (next < count && open.size < inFlightMax && dueMs(next) <= byMs) launch(next++)
  }

  while (next < count && !signal.aborted && performance.now() < endMs) {
    launchDue(performance.now())
    await Bun.sleep(Math.max(TICK_MS, Math.min(dueMs(next) - performance.now(), drainMs)))
  }
  if (signal.aborted) launchDue(interruptedAtMs)
  const drainedMs = Math.min(endMs, performance.now() + drainMs)
  while (open.size > 0 && performance.now() < drainedMs) await Bun.sleep(TICK_MS)

  const nowMs = performance.now()
  for (const nth of open) tally.ended(NO_ANSWER, nowMs - dueMs(nth))
  open.clear()
  // What was due and found no room has waited too, until nobody tried any more to send it. What an interrupt kept from arriving was never due.
  const triedUntilMs = Math.min(interruptedAtMs, nowMs)
  for (; next < count && dueMs(next) <= triedUntilMs; next++) tally.ended(NOT_SENT, triedUntilMs - dueMs(next))
  return { tookMs: nowMs - startedMs, interruptedMs: signal.aborted ? interruptedAtMs - startedMs : undefined }
}
