/** What a run must have gone through for its silence to mean anything: a run in which nothing happens breaks nothing. */
import type { Call, Evidence, Reading } from "./evidence.ts"
import { FAULT_KINDS, KILLED, kindIn } from "./faults.ts"
import { isSuccess } from "./rules/answers.ts"

const TIMES_MIN = 5
/** What follows from other changes by a worker or a clock: each must have come to somebody. */
const HEARD = ["queue:position", "analytics:update", "appointment:reminder"]

/** By what is asked; the fields are those that tell two actions of one path apart. */
const ACTIONS: Record<string, (call: Call) => boolean> = {
  book: is("POST", /^\/appointments$/),
  move: is("PUT", /^\/appointments\/[^/]+$/, "status"),
  reschedule: is("PUT", /^\/appointments\/[^/]+$/, "scheduledAt"),
  "call in": is("POST", /^\/receptionists\/queue\/next$/),
  reorder: is("PUT", /^\/receptionists\/queue\/[^/]+$/),
  pay: is("POST", /^\/payments$/),
  settle: is("PUT", /^\/payments\/[^/]+\/status$/),
  read: is("GET", /./),
  "change a doctor": is("PATCH", /^\/doctors\/me$/),
}

/** By what is read when all is quiet, each showing something that the run has made. */
const READINGS: Record<string, (reading: Reading) => boolean> = {
  appointments: shows("/appointments", ({ data }) => (data as unknown[]).length > 0),
  payments: shows("/payments", ({ data }) => (data as unknown[]).length > 0),
  figures: shows("/doctors/analytics", ({ summary }) => (summary as { revenue: number }).revenue !== 0),
  "free times": shows("/doctors/.*/availability", ({ slots }) => (slots as unknown[]).length > 0),
}

function shows(path: string, any: (body: Reading["body"]) => boolean): (reading: Reading) => boolean {
  return (reading) => reading.status === 200 && new RegExp(`^${path}`).test(reading.path) && any(reading.body)
}

function is(method: Call["method"], path: RegExp, field?: string): (call: Call) => boolean {
  return (call) => call.method === method && path.test(call.path) && (field === undefined || call.body?.[field] !== undefined)
}

export function untried({ calls, diaries, dismissed, faults, searches, readings }: Evidence): string[] {
  const done = calls.filter(isSuccess)
  const rare = Object.entries(ACTIONS).flatMap(([action, asks]) => {
    const times = done.filter(asks).length
    return times < TIMES_MIN ? [`to ${action}: ${times} times`] : []
  })
  const cameBack = new Set(diaries.filter((d) => d.connections.slice(1).some((c) => c.lastOffset > 0)).map((d) => String(d.transport)))
  const heardBefore = diaries.filter((d) => dismissed.includes(d.person.uid) && d.heard.length > 0)
  const kinds = new Set(faults.map(kindIn))
  return [
    ...rare,
    ...(done.some(wasTriedAgain) ? [] : ["a POST with a key that was cut off, and answered 2xx when it was sent again"]),
    ...(wasLost(calls) ? [] : ["a race for one time that somebody lost"]),
    ...["websocket", "polling"].filter((t) => !cameBack.has(t)).map((t) => `to come back by ${t} from where one was`),
    ...(heardBefore.length > 0 ? [] : ["to turn somebody away who has heard something"]),
    ...FAULT_KINDS.filter((kind) => !kinds.has(kind)).map((kind) => `the fault "${kind}"`),
    ...KILLED.filter((of) => !faults.some(({ what }) => what.startsWith(`kill ${of}-`))).map((of) => `to kill a process of ${of}`),
    ...(faults.some(({ cut = 0 }) => cut > 0) ? [] : ["to cut a connection that was open"]),
    ...HEARD.filter((name) => !diaries.some((d) => d.heard.some((h) => h.name === name))).map((name) => `to hear ${name}`),
    ...(searches.some((s) => s.answer?.status === 200) ? [] : ["to search"]),
    ...Object.entries(READINGS).flatMap(([what, isOne]) => (readings.some(isOne) ? [] : [`to read ${what} at the end`])),
  ]
}

/** Nobody knew whether it had been done. */
function wasTriedAgain({ method, key, attempts }: Call): boolean {
  return method === "POST" && key !== undefined && attempts.some(({ outcome }) => typeof outcome === "string")
}

/** Of those who wanted one doctor's same time, one got it and another was refused. */
function wasLost(calls: Call[]): boolean {
  const bookings = calls.filter((call) => call.path === "/appointments" && call.method === "POST")
  const rivals = Map.groupBy(bookings, ({ body }) => `${body?.doctorId} ${body?.scheduledAt}`)
  return [...rivals.values()].some((own) => own.some(isSuccess) && own.some((call) => call.answer?.status === 409))
}
