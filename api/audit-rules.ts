/** What each route is to the audit: which patients' data it shows or changes, or why none. A route that is not here fails a test. */
import type { Action, Resource } from "../core/audit/entry.ts"

export type AuditRule = {
  action: Action
  resource: Resource
  /** What a good answer shows; nothing: no entry. */
  shown: (answer: Answered) => (string | null | undefined)[]
  /** The change writes its entry itself, in its transaction; what is left is refusals and replays. */
  inTransaction?: true
}

/** The members of answers that name patients, appointments and payments. */
export type Answered = {
  id?: string
  appointmentId?: string
  patient?: { id?: string }
  data?: { id?: string; data?: { appointmentId?: string | null; paymentId?: string } }[]
  appointments?: readonly { id?: string }[]
  inProgress?: readonly { appointmentId?: string }[]
  waiting?: readonly { appointmentId?: string }[]
}

const own = ({ id }: Answered) => [id]
const listed = ({ data = [] }: Answered) => data.map(({ id }) => id)
const read = (resource: Resource, shown: AuditRule["shown"]): AuditRule => ({ action: "READ", resource, shown })
const change = (action: Action, resource: Resource, shown: AuditRule["shown"] = own): AuditRule => ({
  action,
  resource,
  shown,
  inTransaction: true,
})

/** By method and template. A sentence: why there is nothing to audit. */
export const AUDIT_RULES: Record<string, AuditRule | string> = {
  "GET /api/v1/me": read("patient", ({ patient }) => [patient?.id]),
  "POST /api/v1/patients": change("CREATE", "patient"),
  "GET /api/v1/patients": read("patient", listed),
  "PATCH /api/v1/patients/me": change("CHANGE", "patient"),
  "POST /api/v1/appointments": change("CREATE", "appointment"),
  "GET /api/v1/appointments": read("appointment", listed),
  "GET /api/v1/appointments/:id": read("appointment", own),
  "PUT /api/v1/appointments/:id": change("CHANGE", "appointment"),
  "POST /api/v1/payments": change("CREATE", "payment"),
  "GET /api/v1/payments": read("payment", listed),
  "GET /api/v1/payments/:id": read("payment", own),
  "PUT /api/v1/payments/:id/status": change("CHANGE", "payment"),
  "GET /api/v1/receptionists/stats": read("appointment", ({ appointments = [] }) => appointments.map(({ id }) => id)),
  "GET /api/v1/receptionists/queue": read("queue", ({ inProgress = [], waiting = [] }) =>
    [...inProgress, ...waiting].map(({ appointmentId }) => appointmentId),
  ),
  "POST /api/v1/receptionists/queue/next": change("CHANGE", "queue"),
  "PUT /api/v1/receptionists/queue/:appointmentId": change("CHANGE", "queue", ({ appointmentId }) => [appointmentId]),
  "GET /api/v1/notifications": read("notification", ({ data = [] }) =>
    data.map(({ data: told }) => told?.appointmentId ?? told?.paymentId),
  ),

  "PUT /api/v1/notifications/read": "It moves the caller's own mark.",
  "GET /api/v1/audit/me": "It is the audit; and each look at it would be the next thing to see in it.",
  "POST /api/v1/doctors": "A doctor's profile is public.",
  "PATCH /api/v1/doctors/me": "A doctor's profile is public.",
  "GET /api/v1/doctors/search": "Doctors' profiles are public.",
  "GET /api/v1/doctors/:id": "A doctor's profile is public.",
  "GET /api/v1/doctors/:id/availability": "It tells free times, and nothing of who has the others.",
  "GET /api/v1/doctors/analytics": "Its figures are sums.",
  "POST /api/v1/receptionists": "It is about the clinic's staff.",
  "GET /api/v1/receptionists": "It is about the clinic's staff.",
  "PUT /api/v1/receptionists/:id": "It is about the clinic's staff.",
}
