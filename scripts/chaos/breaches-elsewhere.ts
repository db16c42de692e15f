/** Faults in searches, the audit and what workers do, as in breaches.ts. */
import type { Breach } from "./breaches.ts"
import type { Evidence, LogRow } from "./evidence.ts"
import { after, answer, at, before, entry, found, here, moved, NORTH_KM, row, START, scheduled, search, state, there } from "./sound.ts"

export const BREACHES_ELSEWHERE: Record<string, Breach> = {
  "a search that shows a doctor where they were two seconds ago": {
    breaks: (e) => void e.searches.push(search("api-0", 7_100, before())),
    promise: /as they were committed/,
  },
  "a search that finds somebody who was deactivated": {
    breaks: (e) => void e.doctorStates.push(state("d", 5_500, { active: false })),
    promise: /as they were committed/,
  },
  "a search that misses somebody who is there": {
    breaks: (e) => void e.searches.push(search("api-0", 4_100, answer([found("e", here, 0)]))),
    promise: /as they were committed/,
  },
  "a search that shows what was never committed, however much was going on": {
    breaks: (e) => {
      e.calm = []
      e.searches.push(search("api-0", 4_100, answer([found("d", { ...here, fee: 7 }, 0), found("e", here, 0)])))
    },
    promise: /as they were committed/,
  },
  "a search that shows what was committed only after it": {
    breaks: (e) => void e.searches.push(search("api-0", 4_100, after())),
    promise: /as they were committed/,
  },
  "a search with a distance that is not": {
    breaks: (e) => void e.searches.push(search("api-0", 8_000, answer([found("d", here, 0), found("e", there, NORTH_KM + 1)]))),
    promise: /as they were committed/,
  },
  "a search that begins with the farthest": {
    breaks: (e) => Object.assign(e.searches[2] ?? {}, { answer: answer(after().found.toReversed()) }),
    promise: /nearest first/,
  },
  "a search that was refused while Postgres was away": {
    breaks: (e) => void e.searches.push(search("api-0", 7_100, answer([], "nobody", 503))),
    promise: /goes on answering/,
  },
  "a search that went to the table once the index had served": {
    breaks: (e) => Object.assign(e.searches[2]?.answer ?? {}, { served: "sql-near" }),
    promise: /goes on answering/,
  },
  "a search that was not answered by a process that ran": {
    breaks: (e) => void e.searches.push(search("api-0", 7_100, undefined)),
    promise: /goes on answering/,
  },
  "a process that in the end finds somebody where they are not": {
    breaks: (e) => Object.assign(e.worlds[0] ?? {}, { answer: before() }),
    promise: /at the end every process/,
  },
  "a booking that is not in the audit": {
    breaks: (e) => void e.audit.entries.splice(2, 1),
    promise: /a change and its entry/,
  },
  "an entry in the audit of a change that was not": {
    breaks: (e) => void e.audit.entries.push(entry("doctor", "CHANGE", "payment", "m")),
    promise: /a change and its entry/,
  },
  "a refusal that is not in the audit": {
    breaks: (e) => void e.calls.push({ ...(e.calls[0] as Evidence["calls"][number]), attempts: [{ at: 5, ms: 1, outcome: 409 }] }),
    promise: /is written down/,
  },
  "a reading that is not in the audit": {
    breaks: (e) => {
      const attempts = [{ at: 5, ms: 1, outcome: 200 }]
      e.calls.push({
        who: "patient",
        method: "GET",
        path: "/notifications",
        attempts,
        answer: { status: 200, body: { data: [{ data: { appointmentId: "a" } }] } },
      })
    },
    promise: /is written down/,
  },
  "an audit log that was altered": {
    breaks: (e) => Object.assign(e.audit, { verified: "position 3: altered" }),
    promise: /as it was sealed/,
  },
  "an audit log that nobody seals": { breaks: (e) => Object.assign(e.audit, { unsealed: 2 }), promise: /is sealed/ },
  "work that was left": { breaks: (e) => Object.assign(e.work, { due: 1 }), promise: /every job is done/ },
  "events that nobody gave a place": { breaks: (e) => Object.assign(e.work, { unpublished: 1 }), promise: /every job is done/ },
  "events that no worker has read": { breaks: (e) => Object.assign(e.work, { cursor: 12 }), promise: /every job is done/ },
  "work that was given up": { breaks: (e) => Object.assign(e.work, { givenUp: 1 }), promise: /every job is done/ },
  "jobs that were left": { breaks: (e) => Object.assign(e.work, { jobs: 1 }), promise: /every job is done/ },
  "a schedule that a wiped Redis forgot": {
    breaks: (e) => void e.schedules.seen.push({ at: 200_000, next: {} }, { at: 250_000, next: {} }),
    promise: /schedules outlive/,
  },
  "a schedule that stands and never runs": {
    breaks: (e) => void e.schedules.seen.push(...[200_000, 300_000, 400_000].map((at) => scheduled(at, 150_000))),
    promise: /schedules outlive/,
  },
  "a run of a schedule that failed while all was well": {
    breaks: (e) => void e.schedules.failed.push({ id: "repeat:2", at: 20_000 }),
    promise: /no run of a schedule fails/,
  },
  "a reminder that came twice": { breaks: (e) => tomorrow(e, [0, 60_000]), promise: /is reminded, once/ },
  "a reminder of a visit that was called off": {
    breaks: (e) => {
      tomorrow(e, [0])
      e.log.splice(-1, 0, moved(14.5, "a", 0, "CANCELLED"))
    },
    promise: /is reminded, once/,
  },
  "a visit that two runs passed over": {
    breaks: (e) => {
      tomorrow(e, [])
      e.log.push(...[0, 60_000].map((ms, n) => ({ ...reminder(14 + n, "other"), at: TOMORROW_MS + ms })))
    },
    promise: /is reminded, once/,
  },
}

/** The day before `a`, twenty hours before it begins. */
const TOMORROW_MS = START - 20 * 3_600_000

function reminder(offset: number, id: string): LogRow {
  return { ...row(offset, "appointment:reminder", `appointment:${id}`, { appointmentId: id, scheduledAt: at(0) }), at: TOMORROW_MS }
}

/** Reminds of `a` so often. */
function tomorrow({ log }: Evidence, afterMs: number[]): void {
  log.push(...afterMs.map((ms, n) => ({ ...reminder(14 + n, "a"), at: TOMORROW_MS + ms })))
}
