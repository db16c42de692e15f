/**
 * Which calls and handshakes are written into the audit that were turned away unheard: without a valid token, or as one too many. Anybody may make any
 * number of these, so each caller has a few a minute and the whole process not many more: a stranger at every door is seen, and a flood of
 * them does not fill the log.
 */
import { CallWindows } from "../call-windows.ts"
import type { Log } from "../log.ts"

const WINDOW_SECONDS = 60
/** Of one caller: a token that has run out is tried again a few times, and who tries doors shows it by as many. */
export const UNHEARD_A_CALLER = 10
/** Of everybody: 170,000 rows a day at worst, which is some 60 MB. */
export const UNHEARD_A_PROCESS = 120
/** Who comes from many addresses is met by the bound of the process; this one is of memory. */
const CALLERS_MAX = 10_000

/** Answers whether one more of this caller's may be written down now, and counts it. */
export function unheardQuota(log: Log): (caller: string) => boolean {
  const each = new CallWindows(UNHEARD_A_CALLER, WINDOW_SECONDS, CALLERS_MAX)
  const all = new CallWindows(UNHEARD_A_PROCESS, WINDOW_SECONDS)
  return (caller) => {
    const now = Date.now()
    const [own, everybody] = [each.of(caller, now), all.of("", now)]
    if (own.calls >= each.max) return false
    own.calls++
    everybody.calls++
    if (everybody.calls === all.max + 1) log.info("more calls are turned away unheard than are written into the audit this minute")
    return everybody.calls <= all.max
  }
}
