/** One fault each in evidence in which nothing is wrong, and the promise that it breaks. */
import type { Call, Diary, Evidence } from "./evidence.ts"
import {
  after,
  answer,
  at,
  before,
  call,
  diary,
  doctor,
  entry,
  found,
  here,
  moved,
  NORTH_KM,
  row,
  START,
  search,
  state,
  there,
} from "./sound.ts"

export type Breach = { breaks: (evidence: Evidence) => void; promise: RegExp }
export const heardBy = (evidence: Evidence, n: number) => (evidence.diaries[n] as Diary).heard
/** The call of this key, or the last of this method and path. */
function called(evidence: Evidence, what: string): Call {
  return evidence.calls.findLast((c) => c.key === what || `${c.method} ${c.path}` === what) as Call
}

export const BREACHES: Record<string, Breach> = {
  "an event that a client never heard": { breaks: (e) => void heardBy(e, 0).splice(1, 1), promise: /reaches everyone/ },
  "an event that somebody else heard": {
    breaks: (e) => void heardBy(e, 2).push(heardBy(e, 0)[0] as Diary["heard"][number]),
    promise: /not theirs/,
  },
  "an internal event that went out": {
    breaks: (e) => void heardBy(e, 0).push(...diary(doctor, e.log, [5]).heard),
    promise: /not theirs/,
  },
  "an event that the log does not hold": {
    breaks: (e) => Object.assign(heardBy(e, 1)[0] ?? {}, { id: "gone" }),
    promise: /only what was committed/,
  },
  "an event that says something else than the log": {
    breaks: (e) => Object.assign(heardBy(e, 1)[0] ?? {}, { data: { appointmentId: "a", status: "CANCELLED", scheduledAt: at(0) } }),
    promise: /only what was committed/,
  },
  "an event twice on one connection": {
    breaks: (e) => void heardBy(e, 1).push(heardBy(e, 1)[0] as Diary["heard"][number]),
    promise: /offsets strictly grow/,
  },
  "a connection that begins before where it asked to": {
    breaks: (e) => Object.assign(e.diaries[1]?.connections[0] ?? {}, { lastOffset: 2 }),
    promise: /offsets strictly grow/,
  },
  "changes of one appointment in another order": {
    breaks: (e) => {
      const [first, second] = heardBy(e, 0) as [Diary["heard"][number], Diary["heard"][number]]
      heardBy(e, 0).splice(0, 2, second, { ...first, connection: 1 })
      e.diaries[0]?.connections.push({ at: 3, lastOffset: 0 })
    },
    promise: /of one subject/,
  },
  "a gap where nothing was deleted": { breaks: (e) => void e.diaries[0]?.gaps.push({ at: 1, from: 0, to: 1 }), promise: /gap/ },
  "a hole in the offsets": { breaks: (e) => Object.assign(e.log[4] ?? {}, { offset: 60 }), promise: /offsets are dense/ },
  "a later change with an earlier offset": {
    breaks: (e) => Object.assign(e.log[0] ?? {}, { seq: 99 }),
    promise: /in order for each subject/,
  },
  "an announcement of what was never booked": {
    breaks: (e) => void e.appointments.splice(1, 1),
    promise: /a change of an appointment and its event/,
  },
  "a change that was not announced": {
    breaks: (e) => Object.assign(e.appointments[1] ?? {}, { version: 2 }),
    promise: /a change of an appointment and its event/,
  },
  "a move that the contract does not have": {
    breaks: (e) => {
      Object.assign(e.log[1]?.data ?? {}, { status: "COMPLETED" })
      Object.assign(e.appointments[0] ?? {}, { status: "COMPLETED" })
    },
    promise: /a change of an appointment and its event/,
  },
  "two patients at one time": {
    breaks: (e) => Object.assign(e.appointments[1] ?? {}, { start: START }),
    promise: /two patients at one time/,
  },
  "two patients at one time, both of whom have been seen by the end": {
    breaks: (e) => {
      Object.assign(e.log[5]?.data ?? {}, { scheduledAt: at(0) })
      for (const appointment of e.appointments) appointment.status = "COMPLETED"
    },
    promise: /two patients at one time/,
  },
  "a booking that was answered and is gone": { breaks: (e) => void e.appointments.shift(), promise: /as it was answered/ },
  "a row older than its answer": {
    breaks: (e) => Object.assign(e.calls[0]?.answer?.body ?? {}, { version: 3 }),
    promise: /as it was answered/,
  },
  "a key that made two": { breaks: (e) => Object.assign(e.appointments[1] ?? {}, { reason: "book-1" }), promise: /a key, however often/ },
  "a payment that was paid twice": {
    breaks: (e) => void e.log.push(row(14, "payment:update", "payment:m", { ...e.log[2]?.data })),
    promise: /paid once/,
  },
  "a paidAt that moved": {
    breaks: (e) =>
      void e.calls.push({
        ...(e.calls[0] as Evidence["calls"][number]),
        key: undefined,
        answer: { status: 200, body: { id: "m", paidAt: at(5) } },
      }),
    promise: /paid once/,
  },
  "a patient who was called in twice": {
    breaks: (e) => {
      const call = { ...(e.calls[0] as Evidence["calls"][number]), path: "/receptionists/queue/next" }
      e.calls.push({ ...call, key: "next-1" }, { ...call, key: "next-2" })
    },
    promise: /never get the same patient/,
  },
  "a patient called in twice by one key that was never answered": {
    breaks: (e) => {
      e.log.push(moved(14, "b", 1, "IN_PROGRESS"))
      Object.assign(e.appointments[1] ?? {}, { status: "IN_PROGRESS", version: 2 })
      Object.assign(called(e, "next-1"), { attempts: [{ at: 1, ms: 4_000, outcome: "TimeoutError" }], answer: undefined })
    },
    promise: /a key calls in one/,
  },
  "a patient who went in though nobody called them": {
    breaks: (e) =>
      void e.calls.splice(
        e.calls.findIndex((c) => c.key === "next-1"),
        1,
      ),
    promise: /nobody goes in uncalled/,
  },
  "a call that was never answered": {
    breaks: (e) =>
      void e.calls.push({ ...called(e, "next-1"), attempts: [{ at: 1, ms: 4_000, outcome: "TimeoutError" }], answer: undefined }),
    promise: /every call is answered/,
  },
  "an answer that says something else than the event of its version": {
    breaks: (e) => {
      const put = called(e, "PUT /appointments/a")
      Object.assign(put.answer?.body ?? {}, { status: "REJECTED", scheduledAt: at(7) })
      put.body = { status: "REJECTED" }
    },
    promise: /as it was answered/,
  },
  "an answer that says something else than was asked": {
    breaks: (e) => Object.assign(called(e, "PUT /appointments/a"), { body: { status: "CANCELLED" } }),
    promise: /as it was answered/,
  },
  "a doctor's change that was answered and never committed": {
    breaks: (e) => Object.assign(called(e, "PATCH /doctors/me").answer?.body ?? {}, { consultationFee: 7 }),
    promise: /as it was answered/,
  },
  "a doctor's change that was answered before it was committed": {
    breaks: (e) => Object.assign(called(e, "PATCH /doctors/me").attempts[0] ?? {}, { ms: 1 }),
    promise: /as it was answered/,
  },
  "a receptionist whose dismissal was answered and who is still there": {
    breaks: (e) => {
      const revoked = { id: "rx", status: "REVOKED" }
      e.calls.push(call("doctor", "PUT /receptionists/rx", 200, revoked, { body: { status: "REVOKED" } }))
    },
    promise: /as it was answered/,
  },
  "a receptionist whom nobody turned away": { breaks: (e) => void e.dismissed.push("x"), promise: /turned away unasked/ },
  "a payment that was answered and is gone": { breaks: (e) => void e.payments.pop(), promise: /as it was answered/ },
  "a payment answered as paid that was never announced so": {
    breaks: (e) => Object.assign(e.log[2]?.data ?? {}, { status: "FAILED" }),
    promise: /as it was answered/,
  },
  "an answer of 500": { breaks: (e) => void e.calls[0]?.attempts.unshift({ at: 0, ms: 1, outcome: 500 }), promise: /never a 5xx/ },
  "a rollup that is off": { breaks: (e) => Object.assign(e.figures[0] ?? {}, { kept: null }), promise: /rollups/ },
  "a process that ended by itself": {
    breaks: (e) => void e.crashes.push({ at: 1, process: "api-0", how: "code 1" }),
    promise: /no process ends/,
  },
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
}
