/** What is read at the end of the history in which nothing is wrong. */
import type { Person, Reading } from "./evidence.ts"

const HALF_HOUR_MS = 1_800_000
const HALF_HOURS = 48
/** Those of the visits, which begin at ten. */
const HELD = [20, 21, 22]

const zero = { appointments: 0, completed: 0, cancelled: 0, noShow: 0, revenue: 0, currency: "USD", cancellationRate: 0, newPatients: 0 }

/** Of the day of the visits. */
export function readings(doctor: Person, patient: Person, day: string): Reading[] {
  const midnight = Date.parse(`${day}T00:00:00Z`)
  const at = (n: number) => new Date(midnight + n * HALF_HOUR_MS).toISOString()
  const read = (process: string, person: Person, path: string, body: Reading["body"]): Reading => {
    return { process, person, path, from: midnight, to: midnight + 10, status: 200, body }
  }
  const visit = (id: string, n: number, status: string, version: number) => ({ id, status, version, scheduledAt: at(n) })
  const [a, b, q] = [visit("a", 20, "CONFIRMED", 2), visit("b", 21, "PENDING", 1), visit("q", 22, "IN_PROGRESS", 4)]
  const free = Array.from({ length: HALF_HOURS }, (_, n) => n).filter((n) => !HELD.includes(n))
  return [
    read("api-0", doctor, "/appointments", { data: [a, b, q] }),
    read("api-1", patient, "/appointments", { data: [a, q] }),
    read("api-0", patient, "/payments", { data: [{ id: "m", status: "COMPLETED", amount: 0.01, paidAt: at(20) }] }),
    read("api-0", doctor, `/doctors/d/availability?date=${day}`, {
      slots: free.map((n) => ({ start: at(n), end: at(n + 1) })),
    }),
    read("api-0", doctor, "/doctors/analytics?period=day", {
      ...{ period: "day", from: day, to: day, timezone: "UTC", computedAt: at(20) },
      summary: { ...zero, appointments: 3, revenue: 0.01, newPatients: 2 },
      previous: zero,
      revenueTrend: [{ date: day, revenue: 0.01 }],
      appointmentTrend: [{ date: day, booked: 3, completed: 0, cancelled: 0 }],
      patientGrowth: [{ date: day, newPatients: 2, totalPatients: 2 }],
    }),
  ]
}
