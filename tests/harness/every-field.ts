/** Every call of the application with every field that it takes, so that a test can put the same thing into each of them. */
import { doctorInput, type Person } from "./api.ts"

export type People = { doctor: Person; patient: Person; desk: Person; newcomer: Person }
export type Known = {
  doctorId: string
  clinicId: string
  appointmentId: string
  paymentId: string
  receptionistId: string
  code: string
  start: string
}
export type Write = { who: Person; path: string; body: Record<string, unknown> }

const SOME_ID = "01920000-0000-7000-8000-00000000abcd"

/** By method and template; each body is valid and has all there is. */
export function writes({ doctor, patient, desk, newcomer }: People, known: Known): Record<string, Write> {
  const { doctorId, clinicId, appointmentId, paymentId, receptionistId, code, start: scheduledAt } = known
  const place = { latitude: 40.7, longitude: -74 }
  const card = { number: "4012888888881881", expMonth: 12, expYear: 2090, holder: "Pat Jones" }
  const practice = { ...doctorInput, bio: "Long in practice", slotMinutes: 30, currency: "USD" }
  const at = (who: Person, path: string, body: Record<string, unknown>): Write => ({ who, path, body })
  return {
    "POST /api/v1/patients": at(newcomer, "/patients", { name: "Jo", phone: "+1 212 555 0100", city: "Oslo", ...place }),
    "PATCH /api/v1/patients/me": at(patient, "/patients/me", { name: "Pat", phone: "+1 212 555 0100", city: "Oslo", ...place }),
    "POST /api/v1/doctors": at(newcomer, "/doctors", practice),
    "PATCH /api/v1/doctors/me": at(doctor, "/doctors/me", { ...practice, active: true }),
    "POST /api/v1/receptionists": at(newcomer, "/receptionists", { clinicId, verificationCode: code, name: "Rae" }),
    "PUT /api/v1/receptionists/:id": at(doctor, `/receptionists/${receptionistId}`, { status: "ACTIVE" }),
    "POST /api/v1/receptionists/queue/next": at(desk, "/receptionists/queue/next", { doctorId }),
    "PUT /api/v1/receptionists/queue/:appointmentId": at(desk, `/receptionists/queue/${appointmentId}`, { priority: 1, position: 1 }),
    "POST /api/v1/appointments": at(patient, "/appointments", { doctorId, scheduledAt, reason: "Checkup", type: "IN_PERSON" }),
    "PUT /api/v1/appointments/:id": at(desk, `/appointments/${appointmentId}`, { status: "CONFIRMED", version: 1 }),
    "POST /api/v1/payments": at(patient, "/payments", { appointmentId, amount: 20, currency: "USD", method: "CARD", card }),
    "PUT /api/v1/payments/:id/status": at(doctor, `/payments/${paymentId}/status`, { status: "COMPLETED" }),
    "PUT /api/v1/notifications/read": at(patient, "/notifications/read", { upTo: 0 }),
  }
}

/** By template: who asks, and all that the query takes. */
export function reads(
  { doctor, patient, desk }: People,
  { doctorId }: Known,
): Record<string, { who: Person; path: string; query: string[] }> {
  const page = ["page", "limit"]
  const place = ["latitude", "longitude", "radius"]
  const search = [...place, "specialization", "name", "clinicName", "minFee", "maxFee", "city", ...page]
  const at = (who: Person, path: string, query: string[] = []) => ({ who, path, query })
  return {
    "GET /api/v1/me": at(patient, "/me"),
    "GET /api/v1/patients": at(desk, "/patients", ["name", "phone", ...page]),
    "GET /api/v1/doctors/search": at(patient, "/doctors/search", search),
    "GET /api/v1/doctors/analytics": at(doctor, "/doctors/analytics", ["period"]),
    "GET /api/v1/doctors/:id": at(patient, `/doctors/${doctorId}`),
    "GET /api/v1/doctors/:id/availability": at(patient, `/doctors/${doctorId}/availability`, ["date"]),
    "GET /api/v1/appointments": at(doctor, "/appointments", ["status", "from", "to", "cursor", "limit"]),
    "GET /api/v1/appointments/:id": at(doctor, `/appointments/${SOME_ID}`),
    "GET /api/v1/payments": at(doctor, "/payments", ["cursor", "limit"]),
    "GET /api/v1/payments/:id": at(doctor, `/payments/${SOME_ID}`),
    "GET /api/v1/receptionists": at(doctor, "/receptionists", page),
    "GET /api/v1/receptionists/stats": at(desk, "/receptionists/stats"),
    "GET /api/v1/receptionists/queue": at(desk, "/receptionists/queue", ["clinicId"]),
    "GET /api/v1/notifications": at(patient, "/notifications", ["cursor", "limit"]),
    "GET /api/v1/audit/me": at(patient, "/audit/me", ["cursor", "limit"]),
  }
}

/** The places in a body where something stands. */
export function fieldsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path]
  return Object.entries(value).flatMap(([name, inner]) => fieldsOf(inner, [...path, name]))
}

/** The body with something else in one place. */
export function withField(body: unknown, [name, ...rest]: string[], put: unknown): unknown {
  if (name === undefined) return put
  const copy = (Array.isArray(body) ? [...body] : { ...(body as object) }) as Record<string, unknown>
  copy[name] = withField(copy[name], rest, put)
  return copy
}
