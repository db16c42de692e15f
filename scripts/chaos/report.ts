/** What a run has shown, in lines. */
import type { Broken } from "./check.ts"
import { cluesOf } from "./clues.ts"
import type { Evidence, Reading } from "./evidence.ts"
import { kindIn } from "./faults.ts"
import { historyOf } from "./history.ts"
import { isInDoubt, isRefused } from "./rules/doubt.ts"
import { stalestInCalm } from "./rules/searches.ts"
import { untried } from "./untried.ts"

/** One broken promise often breaks others, and each many times: the first tell enough. */
const SHOWN_A_PROMISE = 3
/** For all histories together; what is told later is not made small. */
const HISTORIES_MAX_MS = 15_000
const HISTORY_MAX_MS = 2_000

type Outcome = { evidence: Evidence; violations: Broken[] }

/** 1: a promise was broken. 2: none was, but of some nothing has been shown, however short the run was meant to be. */
export function exitCode({ evidence, violations }: Outcome): 0 | 1 | 2 {
  if (violations.length > 0) return 1
  return untried(evidence).length > 0 ? 2 : 0
}

export function report({ evidence, violations }: Outcome): string[] {
  const { calls, log, diaries, faults } = evidence
  const kinds = Map.groupBy(faults, kindIn)
  const heard = diaries.reduce((sum, d) => sum + d.heard.length, 0)
  const tries = calls.reduce((sum, c) => sum + c.attempts.length, 0)
  const connections = diaries.reduce((sum, d) => sum + d.connections.length, 0)
  const { searches, readings, audit } = evidence
  const answered = searches.filter((s) => s.answer?.status === 200)
  const away = faults.filter(({ what }) => what.includes("Postgres"))
  const meanwhile = answered.filter((s) => away.some(({ at, endedAt }) => s.from > at && s.to < endedAt))
  const refused = calls.filter(isRefused)
  const clues = violations.length > 0 ? cluesOf(evidence) : []
  const deadline = Date.now() + HISTORIES_MAX_MS
  const history = (v: Broken) => historyOf(v, evidence, clues, Math.min(HISTORY_MAX_MS, deadline - Date.now()))
  return [
    `faults survived: ${faults.length} (${[...kinds].map(([kind, list]) => `${kind} ${list.length}`).join(", ")})`,
    `calls: ${calls.length} in ${tries} tries, ${calls.filter((c) => c.answer).length} answered, ${refused.length} refused (${refused.filter(isInDoubt).length} of these after a try that was cut off); rows: ${evidence.appointments.length} appointments, ${evidence.payments.length} payments`,
    `events checked: ${log.length}, heard ${heard} times by ${diaries.length} clients over ${connections} connections`,
    `searches: ${searches.length}, ${answered.length} answered, ${meanwhile.length} of them while Postgres was away; in calm nothing older than ${Math.round(stalestInCalm(evidence))} ms`,
    `read at the end: ${readings.length} lists, days and figures, with ${readings.reduce((sum, { body }) => sum + itemsIn(body), 0)} appointments and payments`,
    `audit: ${audit.entries.length} entries, ${audit.verified === "" ? "as they were sealed" : "NOT as they were sealed"}`,
    ...untried(evidence).map((what) => `NOT TRIED, and so not shown: ${what}`),
    `violations: ${violations.length}${verdict({ evidence, violations })}`,
    ...[...Map.groupBy(violations, (v) => v.promise)].flatMap(([promise, broken]) => [
      "",
      `BROKEN, ${broken.length} times: ${promise}`,
      ...broken.slice(0, SHOWN_A_PROMISE).flatMap((v) => [`  ${v.what}`, ...history(v).map((line) => `    ${line}`)]),
    ]),
  ]
}

function verdict(outcome: Outcome): string {
  return exitCode(outcome) === 2 ? ", but not everything was tried: exit code 2" : ""
}

const itemsIn = ({ data }: Reading["body"]) => (Array.isArray(data) ? data.length : 0)
