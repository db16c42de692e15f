/** The log's line about a request, as pino would write it. */
import type { Log } from "../core/log.ts"
import { stdout } from "../core/log-output.ts"

export type Answered = { requestId: string; method: string; route: string; status: number; durationMs: number }

/** Instants of one second differ in their last digits only. */
const SECOND_MS = 1_000
const MILLISECONDS = Array.from({ length: SECOND_MS }, (_, ms) => `${String(ms).padStart(3, "0")}Z`)
/** Most answers take less than this many microseconds. */
const SHORT_US = 1_000
const SHORT_MS = Array.from({ length: SHORT_US }, (_, us) => String(us / 1000))

/**
 * Writes such a line at `info`. There is one a request, so it is put together by hand: a tenth of what pino takes for it, most
 * of which goes into looking for secrets in fields that cannot have any. No field needs escaping: an id is of letters, digits,
 * `-`, `_` and `=`, and the method and the route stand in the source.
 */
export function requestLines(log: Log): (answered: Answered) => void {
  if (!log.isLevelEnabled("info")) return () => {}
  const out = stdout()
  // Bindings come without the pid that pino writes.
  const bindings = JSON.stringify({ ...log.bindings(), pid: process.pid }).slice(1, -1)
  let secondMs = Number.NaN
  let second = ""
  return ({ requestId, method, route, status, durationMs }) => {
    const now = Date.now()
    if (!(now >= secondMs && now < secondMs + SECOND_MS)) {
      secondMs = now - (now % SECOND_MS)
      second = new Date(secondMs).toISOString().slice(0, -"000Z".length)
    }
    const us = Math.round(durationMs * 1000)
    const ms = SHORT_MS[us] ?? us / 1000
    out.write(
      `{"level":"info","time":"${second}${MILLISECONDS[now - secondMs]}",${bindings},"requestId":"${requestId}","method":"${method}","route":"${route}","status":${status},"ms":${ms},"msg":"request"}\n`,
    )
  }
}
