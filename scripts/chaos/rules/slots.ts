/** That no doctor has two patients at one time: at the end, by the rows, and at any time before, by the log replayed. */
import type { AppointmentRow, Evidence, Violation } from "../evidence.ts"

const HOLDING = new Set(["PENDING", "CONFIRMED", "WAITING", "IN_PROGRESS"])
const PROMISE = "no doctor has two patients at one time"

type Held = { id: string; start: number; end: number }

export function checkSlots(evidence: Evidence): Violation[] {
  return [...atTheEnd(evidence.appointments), ...ever(evidence)]
}

function atTheEnd(appointments: AppointmentRow[]): Violation[] {
  const violations: Violation[] = []
  const holding = appointments.filter((row) => HOLDING.has(row.status))
  for (const [doctorId, rows] of Map.groupBy(holding, (row) => row.doctorId)) {
    let latest: AppointmentRow | undefined
    for (const row of rows.toSorted((a, b) => a.start - b.start)) {
      if (latest && row.start < latest.end) violations.push(both(doctorId, latest, row, "has"))
      if (!latest || row.end > latest.end) latest = row
    }
  }
  return violations
}

/**
 * Whatever became of them later. Who takes a time waits for the commit of whoever leaves it, and only then writes its own event: so the
 * log has them in the order in which the time was held. How long a visit lasts stays as it was booked.
 */
function ever({ log, appointments }: Evidence): Violation[] {
  const rows = new Map(appointments.map((row) => [row.id, row]))
  const held = new Map<string, Map<string, Held>>()
  const violations = new Map<string, Violation>()
  for (const { name, data } of log) {
    const row = rows.get(String(data.appointmentId))
    if (!row || (name !== "appointment:new" && name !== "appointment:update")) continue
    const own = held.get(row.doctorId) ?? new Map<string, Held>()
    held.set(row.doctorId, own)
    own.delete(row.id)
    if (name === "appointment:update" && !HOLDING.has(String(data.status))) continue
    const start = Date.parse(String(data.scheduledAt))
    const taken = { id: row.id, start, end: start + row.end - row.start }
    for (const other of own.values())
      if (other.start < taken.end && taken.start < other.end)
        violations.set([other.id, taken.id].toSorted().join(), both(row.doctorId, other, taken, "had"))
    own.set(row.id, taken)
  }
  return [...violations.values()]
}

function both(doctorId: string, first: Held, second: Held, has: "has" | "had"): Violation {
  const what = `doctor ${doctorId} ${has} ${first.id} and ${second.id} at ${new Date(second.start).toISOString()}`
  return { promise: PROMISE, what, about: [first.id, second.id] }
}
