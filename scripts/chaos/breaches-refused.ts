/** Faults in what was refused, or never asked for, as in breaches.ts. */
import type { Breach } from "./breaches.ts"
import type { Attempt, Call, Evidence } from "./evidence.ts"
import { appointment, booked, call, moved, row } from "./sound.ts"

const LEFT = /refused has left nothing behind/
const UNASKED = /nobody asked for/

/** The call of this key, or the last of this method and path. */
export function called(evidence: Evidence, what: string): Call {
  return evidence.calls.findLast((c) => c.key === what || `${c.method} ${c.path}` === what) as Call
}

/** At 1 it is cut off, at 60 refused: what it asked for was done between. */
export function refuse(of: Call, status: number, cutOff = true): void {
  const cut: Attempt[] = cutOff ? [{ at: 1, ms: 4, outcome: "TimeoutError" }] : []
  of.attempts = [...cut, { at: 60, ms: 1, outcome: status }]
  of.answer = { status, body: { detail: "Refused." } }
}

export const BREACHES_REFUSED: Record<string, Breach> = {
  "a booking cut off and obeyed, whose retry was refused for its own sake": {
    breaks: (e) => refuse(called(e, "book-2"), 409),
    promise: LEFT,
  },
  "a booking cut off and obeyed, whose retry was told that it is invalid": {
    breaks: (e) => refuse(called(e, "book-2"), 422),
    promise: LEFT,
  },
  "a payment cut off and obeyed, whose retry was told that it is invalid": {
    breaks: (e) => refuse(called(e, "pay-1"), 422),
    promise: LEFT,
  },
  "a booking answered 503 and obeyed, whose retry was refused": {
    breaks: (e) => {
      refuse(called(e, "book-2"), 404)
      Object.assign(called(e, "book-2").attempts[0] ?? {}, { outcome: 503 })
    },
    promise: LEFT,
  },
  "a booking refused at once that is there all the same": {
    breaks: (e) => refuse(called(e, "book-2"), 409, false),
    promise: LEFT,
  },
  "a booking refused at once that is there all the same, announced or not": {
    breaks: (e) => {
      e.calls.push(call("rival", "POST /appointments", 409, { detail: "Taken." }, { key: "book-9", body: { reason: "book-9" } }))
      e.appointments.push(appointment("z", 9, { patientId: "p2", reason: "book-9" }))
    },
    promise: LEFT,
  },
  "a payment refused at once that is there all the same": { breaks: (e) => refuse(called(e, "pay-1"), 409, false), promise: LEFT },
  "a booking made when no try of its call can have been under way any more": {
    breaks: (e) => {
      e.calls.push(call("rival", "POST /appointments", 409, {}, { key: "book-9", body: { reason: "book-9" } }))
      refuse(called(e, "book-9"), 409)
      e.log.push({ ...booked(14, "z", 9, "book-9"), at: 60_000 })
      e.appointments.push(appointment("z", 9, { patientId: "p2", reason: "book-9" }))
    },
    promise: LEFT,
  },
  "a booking that nobody asked for": {
    breaks: (e) => {
      e.log.push(booked(14, "z", 9, "book-9"))
      e.appointments.push(appointment("z", 9, { reason: "book-9" }))
    },
    promise: UNASKED,
  },
  "a change of an appointment that was refused, and made": {
    breaks: (e) => refuse(called(e, "PUT /appointments/a"), 409, false),
    promise: UNASKED,
  },
  "a new time that was refused, and taken": {
    breaks: (e) => {
      const body = { scheduledAt: e.log[1]?.data.scheduledAt }
      e.calls.push(call("rival", "PUT /appointments/b", 422, {}, { body }))
      e.log.push({ ...moved(14, "b", 0, "PENDING") })
      Object.assign(e.appointments[1] ?? {}, { version: 2 })
    },
    promise: UNASKED,
  },
  "a change that was cut off once, and made twice": {
    breaks: (e) => {
      const body = { scheduledAt: e.log[3]?.data.scheduledAt }
      e.calls.push(call("rival", "PUT /appointments/b", 409, {}, { body }))
      refuse(called(e, "PUT /appointments/b"), 409)
      e.log.push(moved(14, "b", 1, "PENDING"), moved(15, "b", 1, "PENDING"))
      Object.assign(e.appointments[1] ?? {}, { version: 3 })
    },
    promise: UNASKED,
  },
  "a change that nobody asked for": {
    breaks: (e) => {
      e.log.push(moved(14, "b", 1, "CANCELLED"))
      Object.assign(e.appointments[1] ?? {}, { version: 2, status: "CANCELLED" })
    },
    promise: UNASKED,
  },
  "a payment that was refused to be closed, and closed": {
    breaks: (e) => refuse(called(e, "PUT /payments/m/status"), 409, false),
    promise: UNASKED,
  },
  "a refund that nobody asked for, of a visit that was not called off": {
    breaks: (e) => {
      e.log.push(row(14, "payment:update", "payment:m", { ...e.log[2]?.data, status: "REFUNDED" }))
      Object.assign(e.payments[0] ?? {}, { status: "REFUNDED" })
    },
    promise: UNASKED,
  },
}
