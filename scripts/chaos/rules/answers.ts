/** What was answered with 2xx against what the tables hold and the log says: not only that there is something, but that it is so. */
import type { Call, DoctorState, Evidence, LogRow, Violation } from "../evidence.ts"

const PROMISE = "what was answered with 2xx is there, and as it was answered"
/** Two clocks of one machine, read in whole milliseconds by one of the two. */
const CLOCK_MS = 5

type Answered = Call & { answer: NonNullable<Call["answer"]> }

export const isSuccess = (call: Call): call is Answered =>
  call.answer !== undefined && call.answer.status >= 200 && call.answer.status < 300

export function checkAnswers(evidence: Evidence): Violation[] {
  const changes = evidence.calls.filter(isSuccess).filter((call) => call.method !== "GET")
  return [
    ...appointments(changes, evidence),
    ...payments(changes, evidence),
    ...doctors(changes, evidence.doctorStates),
    ...dismissals(changes, evidence),
  ]
}

/** Each appointment's events in the order of its changes: the first is its version 1. */
export function changesOf(log: LogRow[]): Map<string, LogRow[]> {
  const own = log.filter((row) => row.name === "appointment:new" || row.name === "appointment:update")
  return Map.groupBy(
    own.toSorted((a, b) => a.seq - b.seq),
    (row) => String(row.data.appointmentId),
  )
}

export const isSameTime = (a: unknown, b: unknown) => Date.parse(String(a)) === Date.parse(String(b))

const statusOf = ({ name, data }: LogRow) => (name === "appointment:new" ? "PENDING" : String(data.status))

/** A row is never older than any answer that showed it, and what was answered at a version is what was announced of it. */
function appointments(calls: Answered[], { appointments, log }: Evidence): Violation[] {
  const versions = new Map(appointments.map((row) => [row.id, row.version]))
  const changes = changesOf(log)
  return calls.flatMap((call) => {
    const { id, version, scheduledAt, status } = call.answer.body
    if (scheduledAt === undefined || version === undefined) return []
    const said = `${saidBy(call)} appointment ${id} at version ${version}`
    const complain = (but: string) => [{ promise: PROMISE, what: `${said}${but}`, about: [String(id)] }]
    if ((versions.get(String(id)) ?? 0) < Number(version)) return complain(`: the table has ${versions.get(String(id))}`)
    const asked = { status, scheduledAt, ...call.body }
    if (asked.status !== status || !isSameTime(asked.scheduledAt, scheduledAt))
      return complain(`, ${status} at ${scheduledAt}, and was asked for ${asked.status} at ${asked.scheduledAt}`)
    const event = changes.get(String(id))?.[Number(version) - 1]
    if (!event || (statusOf(event) === status && isSameTime(event.data.scheduledAt, scheduledAt))) return []
    return complain(`, ${status} at ${scheduledAt}: announced was ${statusOf(event)} at ${event.data.scheduledAt}`)
  })
}

function payments(calls: Answered[], { payments, log }: Evidence): Violation[] {
  const rows = new Map(payments.map((row) => [row.id, row]))
  const announced = new Set(log.filter((e) => e.name === "payment:update").map((e) => `${e.data.paymentId} ${e.data.status}`))
  return calls.flatMap((call) => {
    const { id, amount, status } = call.answer.body
    if (amount === undefined) return []
    const said = `${saidBy(call)} payment ${id} of ${amount}, ${status}`
    const complain = (but: string) => [{ promise: PROMISE, what: `${said}${but}`, about: [String(id)] }]
    const row = rows.get(String(id))
    if (!row) return complain(", which is not there")
    if (Number(row.amount) !== amount) return complain(`: the table has ${row.amount}`)
    if (call.body?.status !== undefined && call.body.status !== status) return complain(`, and was asked for ${call.body.status}`)
    return status === "PENDING" || announced.has(`${id} ${status}`) ? [] : complain(", which was never announced")
  })
}

/** What a doctor's change was answered with was the doctor's row at some time between question and answer. */
function doctors(calls: Answered[], states: DoctorState[]): Violation[] {
  const histories = Map.groupBy(states, (state) => state.doctorId)
  return calls.flatMap((call) => {
    const last = call.attempts.at(-1)
    if (call.path !== "/doctors/me" || !last) return []
    const { id } = call.answer.body
    const history = histories.get(String(id)) ?? []
    const wasSo = history.some((state, n) => {
      const until = history[n + 1]?.at ?? Number.POSITIVE_INFINITY
      return state.at <= last.at + last.ms + CLOCK_MS && until >= last.at - CLOCK_MS && isAnswered(state, call.answer.body)
    })
    const asked = JSON.stringify(call.body)
    const took = Object.entries(call.body ?? {}).every(([name, value]) => call.answer.body[name] === value)
    if (wasSo && took) return []
    const but = wasSo ? "as something else" : "as the row never was then"
    return [{ promise: PROMISE, what: `${saidBy(call)} doctor ${id} ${but}, asked ${asked}`, about: [String(id), call.who] }]
  })
}

function isAnswered(state: DoctorState, body: Record<string, unknown>): boolean {
  return (
    state.active === body.active &&
    state.latitude === body.clinicLatitude &&
    state.longitude === body.clinicLongitude &&
    state.fee === body.consultationFee &&
    state.specialization === body.specialization
  )
}

/** Whose dismissal was answered is dismissed, and nobody else is. */
function dismissals(calls: Answered[], { calls: all, dismissed }: Evidence): Violation[] {
  const uids = new Map(calls.filter((c) => c.path === "/receptionists").map((c) => [`/receptionists/${c.answer.body.id}`, c.who]))
  const asked = new Set(all.filter((c) => c.body?.status === "REVOKED").map((c) => uids.get(c.path)))
  const kept = calls.filter((c) => c.body?.status === "REVOKED" && !dismissed.includes(uids.get(c.path) ?? ""))
  const unasked = dismissed.filter((uid) => !asked.has(uid))
  return [
    ...kept.map((c) => ({ promise: PROMISE, what: `${saidBy(c)} REVOKED, and ${uids.get(c.path)} is not`, about: [c.path] })),
    ...unasked.map((uid) => ({ promise: "nobody is turned away unasked", what: `${uid} was turned away`, about: [uid] })),
  ]
}

function saidBy({ method, path, who, answer }: Answered): string {
  return `${method} ${path} by ${who} was answered ${answer.status} with`
}
