/** One fault each in evidence in which nothing is wrong, and the promise that it breaks. */
import { BREACHES_AT_THE_END } from "./breaches-at-the-end.ts"
import { BREACHES_ELSEWHERE } from "./breaches-elsewhere.ts"
import { BREACHES_REFUSED, called } from "./breaches-refused.ts"
import type { Diary, Evidence, LogRow } from "./evidence.ts"
import { at, call, counted, desk, diary, doctor, moved, placed, row, START } from "./sound.ts"

export type Breach = { breaks: (evidence: Evidence) => void; promise: RegExp }
export const heardBy = (evidence: Evidence, n: number) => (evidence.diaries[n] as Diary).heard

const OF_ROWS_AND_EVENTS: Record<string, Breach> = {
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
  "a check-in that the clinic was not told of": { breaks: (e) => void e.log.splice(8, 1), promise: /how many wait/ },
  "a count that is not how many wait": {
    breaks: (e) => Object.assign(e.log[8]?.data ?? {}, { waiting: 2 }),
    promise: /how many wait/,
  },
  "a count of a queue in which nothing has changed": { breaks: (e) => void e.log.push(counted(14, 0, 1)), promise: /how many wait/ },
  "an order of the queue that was answered and not told": {
    breaks: (e) => void e.calls.push(call("desk", "PUT /receptionists/queue/q", 200, { appointmentId: "q", position: 1 })),
    promise: /how many wait/,
  },
  "a check-in of somebody who was told no place": { breaks: (e) => void e.log.splice(9, 1), promise: /told their place/ },
  "two who wait in one place": {
    breaks: (e) => {
      e.log.push(moved(14, "b", 1, "CONFIRMED"), moved(15, "b", 1, "WAITING"), counted(16, 1, 1), placed(17, "b", 1))
      e.log.push(moved(18, "a", 0, "WAITING"), counted(19, 2, 1), placed(20, "a", 1))
    },
    promise: /nobody else the same/,
  },
  "a patient called in before those who waited longer": {
    breaks: (e) => {
      e.log.splice(10, 0, moved(10.1, "a", 0, "WAITING"), counted(10.2, 2, 0), placed(10.3, "q", 2), placed(10.4, "a", 1))
    },
    promise: /the first who waits/,
  },
  "a doctor who was never announced": { breaks: (e) => void e.log.pop(), promise: /each new doctor/ },
  "a doctor announced twice": {
    breaks: (e) => void e.log.push({ ...(e.log[12] as LogRow), offset: 14, seq: 14 }),
    promise: /each new doctor/,
  },
  "a receptionist who missed what came before they were turned away": {
    breaks: (e) => {
      e.dismissed.push("x")
      e.diaries.push(diary(desk, e.log, [1, 2, 4]))
    },
    promise: /reaches everyone/,
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
}

export const BREACHES: Record<string, Breach> = {
  ...OF_ROWS_AND_EVENTS,
  ...BREACHES_REFUSED,
  ...BREACHES_ELSEWHERE,
  ...BREACHES_AT_THE_END,
}
