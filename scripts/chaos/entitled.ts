/** Who may hear what: the table of the public contract, from rows and answers. It knows nothing of rooms. */
import type { AppointmentRow, Evidence, LogRow, PaymentRow, Person } from "./evidence.ts"

/** The names that leave the house; all others are internal. */
export const PUBLIC = new Set([
  "appointment:new",
  "appointment:update",
  "payment:update",
  "doctor:new",
  "queue:update",
  "queue:position",
  "appointment:reminder",
  "analytics:update",
])

export class Parties {
  readonly appointments: Map<string, AppointmentRow>
  readonly payments: Map<string, PaymentRow>
  /** Of a receptionist who was turned away, the event of that. */
  readonly #dismissed = new Map<string, LogRow>()

  constructor({ appointments, payments, dismissed, log }: Pick<Evidence, "appointments" | "payments" | "dismissed" | "log">) {
    this.appointments = new Map(appointments.map((row) => [row.id, row]))
    this.payments = new Map(payments.map((row) => [row.id, row]))
    for (const row of log)
      if (row.name === "access:changed" && dismissed.includes(String(row.data.uid))) this.#dismissed.set(String(row.data.uid), row)
  }

  isDismissed(person: Person): boolean {
    return this.#dismissed.has(person.uid)
  }

  dismissalOf(person: Person): LogRow | undefined {
    return this.#dismissed.get(person.uid)
  }

  heardUntil(person: Person): number {
    const dismissal = this.#dismissed.get(person.uid)
    return dismissal ? (dismissal.offset ?? 0) : Number.POSITIVE_INFINITY
  }
}

export function entitled(person: Person, row: LogRow, parties: Parties): boolean {
  if (!PUBLIC.has(row.name) || (row.offset ?? 0) > parties.heardUntil(person)) return false
  const { data } = row
  const isDoctor = (doctorId: string | undefined) => person.role === "DOCTOR" && person.doctorId === doctorId
  const isDesk = (clinicId: string | undefined) => person.role === "RECEPTIONIST" && person.clinicId === clinicId
  const isPatient = (patientId: string | undefined) => person.role === "PATIENT" && person.patientId === patientId
  const appointment = parties.appointments.get(String(data.appointmentId))
  switch (row.name) {
    case "appointment:new":
      return isDoctor(appointment?.doctorId ?? "") || isDesk(appointment?.clinicId ?? "")
    case "appointment:update":
      return isDoctor(appointment?.doctorId ?? "") || isPatient(appointment?.patientId ?? "") || isDesk(appointment?.clinicId ?? "")
    case "payment:update": {
      const payment = parties.payments.get(String(data.paymentId))
      return isDoctor(payment?.doctorId ?? "") || isDesk(payment?.clinicId ?? "")
    }
    case "queue:update":
      return isDesk(String(data.clinicId)) || (person.role === "DOCTOR" && person.clinicId === data.clinicId)
    case "queue:position":
    case "appointment:reminder":
      return isPatient(appointment?.patientId ?? "")
    case "doctor:new":
      return person.role === "PATIENT" && person.city === String(data.city).toLowerCase()
    // Its payload names a day alone; of whom, only the log can say.
    case "analytics:update":
      return person.role === "DOCTOR" && row.subject === `analytics:${person.doctorId}`
    default:
      return false
  }
}
