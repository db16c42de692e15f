/** Faults in what is read when all is quiet, as in breaches.ts. */
import type { Breach } from "./breaches.ts"
import type { Evidence, Reading } from "./evidence.ts"
import { at, desk } from "./sound.ts"

type Item = Record<string, unknown>
const readOf = (evidence: Evidence, path: string) => evidence.readings.find((r) => r.path.includes(path)) as Reading
const listOf = (evidence: Evidence, path: string) => readOf(evidence, path).body.data as Item[]
const slotsOf = (evidence: Evidence) => readOf(evidence, "availability").body.slots as Item[]
const PROMISE = /read when all is quiet is what the rows hold/

export const BREACHES_AT_THE_END: Record<string, Breach> = {
  "an appointment that is shown as it was before": {
    breaks: (e) => Object.assign(listOf(e, "/appointments")[0] ?? {}, { status: "PENDING", version: 1 }),
    promise: PROMISE,
  },
  "an appointment that is not shown to its doctor": { breaks: (e) => void listOf(e, "/appointments").splice(1, 1), promise: PROMISE },
  "an appointment that is shown and was never booked": {
    breaks: (e) => void listOf(e, "/appointments").push({ id: "z", status: "PENDING", version: 1, scheduledAt: at(9) }),
    promise: PROMISE,
  },
  "an appointment that is shown to another patient": {
    breaks: (e) => Object.assign(e.readings[1] ?? {}, { body: { data: listOf(e, "/appointments") } }),
    promise: PROMISE,
  },
  "an appointment that two pages show": {
    breaks: (e) => void listOf(e, "/appointments").push({ ...listOf(e, "/appointments")[2] }),
    promise: PROMISE,
  },
  "a list that is not by time": { breaks: (e) => void listOf(e, "/appointments").reverse(), promise: PROMISE },
  "a payment that is shown as unpaid": {
    breaks: (e) => Object.assign(listOf(e, "/payments")[0] ?? {}, { status: "PENDING", paidAt: null }),
    promise: PROMISE,
  },
  "a payment that is shown with another amount": {
    breaks: (e) => Object.assign(listOf(e, "/payments")[0] ?? {}, { amount: 0.02 }),
    promise: PROMISE,
  },
  "a time that is offered and taken": {
    breaks: (e) => void slotsOf(e).splice(20, 0, { start: at(0), end: at(1) }),
    promise: PROMISE,
  },
  "a time that is free and not offered": { breaks: (e) => void slotsOf(e).splice(3, 1), promise: PROMISE },
  "a time that is offered for an hour": { breaks: (e) => Object.assign(slotsOf(e)[30] ?? {}, { end: at(17) }), promise: PROMISE },
  "a revenue that is not the payments'": {
    breaks: (e) => Object.assign(readOf(e, "analytics").body.summary as Item, { revenue: 0.02 }),
    promise: PROMISE,
  },
  "a day's visits that are not counted in the trend": {
    breaks: (e) => Object.assign((readOf(e, "analytics").body.appointmentTrend as Item[])[0] ?? {}, { booked: 2 }),
    promise: PROMISE,
  },
  "figures of another day than today": {
    breaks: (e) => Object.assign(readOf(e, "analytics"), { from: Date.parse(at(48)), to: Date.parse(at(48)) }),
    promise: PROMISE,
  },
  "a reading that was never answered": {
    breaks: (e) => Object.assign(readOf(e, "/payments"), { status: 0 }),
    promise: /quiet is answered/,
  },
  "somebody who was turned away and still reads": {
    breaks: (e) => {
      e.dismissed.push("x")
      e.readings.push({ ...readOf(e, "/appointments"), person: desk })
    },
    promise: /turned away reads nothing/,
  },
}
