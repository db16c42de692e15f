/** The event log against the rows: every change was announced once, in an order that can have happened. */
import type { AppointmentRow, Evidence, LogRow, Violation } from "../evidence.ts"

export function checkLog(evidence: Evidence): Violation[] {
  return [...offsets(evidence.log), ...appointments(evidence), ...payments(evidence), ...newDoctors(evidence)]
}

function offsets(log: LogRow[]): Violation[] {
  const promise = "every committed event has its place: offsets are dense, and in order for each subject"
  const violations: Violation[] = []
  const last = new Map<string, LogRow>()
  for (const [n, row] of log.entries()) {
    const previous = n === 0 ? 0 : log[n - 1]?.offset
    if (typeof previous !== "number" || row.offset !== previous + 1)
      violations.push({ promise, what: `after ${previous} comes ${row.offset} (${row.name} ${row.id})`, about: [row.id] })
    const before = last.get(row.subject)
    if (before && before.seq >= row.seq)
      violations.push({
        promise,
        what: `${row.subject}: ${before.id} was written after ${row.id} and has an earlier offset`,
        about: [row.id, before.id],
      })
    last.set(row.subject, row)
  }
  return violations
}

/** Whoever became a doctor was announced once, in their city, and nobody else was. */
function newDoctors({ log, calls }: Evidence): Violation[] {
  const promise = "each new doctor is announced once"
  const announced = log.filter((row) => row.name === "doctor:new").map(({ data }) => `${data.doctorId} in ${data.city}`)
  const answered = calls.filter((c) => c.path === "/doctors" && c.answer?.status === 201)
  const made = answered.map(({ answer }) => `${answer?.body.id} in ${answer?.body.city}`)
  const times = (list: string[], who: string) => list.filter((one) => one === who).length
  return [...new Set([...announced, ...made])]
    .filter((who) => times(announced, who) !== 1 || times(made, who) !== 1)
    .map((who) => ({
      promise,
      what: `doctor ${who} was made ${times(made, who)} times and announced ${times(announced, who)} times`,
      about: [who.split(" ")[0] as string],
    }))
}

/** The contract's moves; a new time, from PENDING or CONFIRMED, begins again at PENDING. */
const MOVES: Record<string, string[]> = {
  PENDING: ["CONFIRMED", "REJECTED", "CANCELLED", "PENDING"],
  CONFIRMED: ["WAITING", "CANCELLED", "NO_SHOW", "PENDING"],
  WAITING: ["IN_PROGRESS", "CANCELLED", "NO_SHOW"],
  IN_PROGRESS: ["COMPLETED"],
}

function appointments({ log, appointments }: Evidence): Violation[] {
  const promise = "a change of an appointment and its event are one: neither is there without the other"
  const events = Map.groupBy(
    log.filter((row) => row.name === "appointment:new" || row.name === "appointment:update"),
    (row) => String(row.data.appointmentId),
  )
  const rows = new Map(appointments.map((row) => [row.id, row]))
  const violations: Violation[] = []
  for (const id of new Set([...events.keys(), ...rows.keys()])) {
    const fault = faultOf(
      rows.get(id),
      (events.get(id) ?? []).toSorted((a, b) => a.seq - b.seq),
    )
    if (fault) violations.push({ promise, what: `appointment ${id} ${fault}`, about: [id] })
  }
  return violations
}

function faultOf(row: AppointmentRow | undefined, events: LogRow[]): string | undefined {
  if (!row) return `was announced (${events.map((e) => e.name)}) and never booked`
  if (events[0]?.name !== "appointment:new" || events.filter((e) => e.name === "appointment:new").length !== 1)
    return `was announced as new ${events.filter((e) => e.name === "appointment:new").length} times`
  if (events.length !== row.version) return `changed ${row.version - 1} times and was announced as changed ${events.length - 1} times`
  let status = "PENDING"
  for (const { data } of events.slice(1)) {
    const next = String(data.status)
    if (!MOVES[status]?.includes(next)) return `went from ${status} to ${next}`
    status = next
  }
  const last = events.at(-1)?.data.scheduledAt
  if (status !== row.status) return `is ${row.status} and was last announced as ${status}`
  if (Date.parse(String(last)) !== row.start) return `is at ${new Date(row.start).toISOString()} and was last announced at ${last}`
  return undefined
}

const PAYMENT_MOVES: Record<string, string[]> = { PENDING: ["COMPLETED", "FAILED"], COMPLETED: ["REFUNDED"] }

function payments({ log, payments, calls }: Evidence): Violation[] {
  const promise = "a payment is paid once, and each of its changes is announced once"
  const violations: Violation[] = []
  const events = Map.groupBy(
    log.filter((row) => row.name === "payment:update"),
    (row) => String(row.data.paymentId),
  )
  const rows = new Map(payments.map((row) => [row.id, row]))
  for (const id of new Set([...events.keys(), ...rows.keys()])) {
    const row = rows.get(id)
    let status = "PENDING"
    let legal = true
    for (const { data } of events.get(id) ?? []) {
      legal &&= PAYMENT_MOVES[status]?.includes(String(data.status)) ?? false
      status = String(data.status)
    }
    if (!row) violations.push({ promise, what: `payment ${id} was announced and is not there`, about: [id] })
    else if (!legal || status !== row.status)
      violations.push({
        promise,
        what: `payment ${id} is ${row.status}; announced: ${events.get(id)?.map((e) => e.data.status)}`,
        about: [id],
      })
    else if ((row.paidAt !== null) !== (row.status === "COMPLETED" || row.status === "REFUNDED"))
      violations.push({ promise, what: `payment ${id} is ${row.status} and its paidAt is ${row.paidAt}`, about: [id] })
  }
  for (const { answer } of calls) {
    const paidAt = answer?.body.paidAt
    const row = rows.get(String(answer?.body.id))
    if (row && typeof paidAt === "string" && Date.parse(paidAt) !== row.paidAt)
      violations.push({ promise, what: `payment ${row.id} was answered as paid at ${paidAt} and is now at ${row.paidAt}`, about: [row.id] })
  }
  return violations
}
