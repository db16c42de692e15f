/** How each row of the matrix is called: about the things of one clinic, each made for this one call. */
import { doctorInput } from "../harness/api.ts"
import { applicant, type Cast, payment, type RoleName, visit } from "../harness/cast.ts"

export type Call = {
  path: string
  body?: unknown
  /** The ids in path, query or body that say whose it is; others in their place must be answered no differently. */
  ids?: string[]
}

type MakeCall = (cast: Cast, by: RoleName) => Call | Promise<Call>

const { clinicName, clinicAddress, city, clinicLatitude, clinicLongitude, ...practice } = doctorInput
const V1 = "/api/v1"

/** A call about something that stands at the end of the path. */
const about =
  (make: (cast: Cast) => Promise<string>, pathOf: (id: string) => string, bodyOf?: (cast: Cast) => unknown): MakeCall =>
  async (cast) => {
    const id = await make(cast)
    return { path: `${V1}${pathOf(id)}`, body: bodyOf?.(cast), ids: [id] }
  }
const plain =
  (path: string, body?: unknown): MakeCall =>
  () => ({ path, body })

const aVisit = (cast: Cast) => visit(cast)
const aWaitingVisit = (cast: Cast) => visit(cast, "CONFIRMED", "WAITING")
const join = (code: (cast: Cast) => string) => (cast: Cast) => ({
  path: `${V1}/doctors`,
  body: { ...practice, clinicId: cast.clinicId, clinicVerificationCode: code(cast) },
})
const link = (code?: (cast: Cast) => string) => (cast: Cast) => ({
  path: `${V1}/receptionists`,
  body: { clinicId: cast.clinicId, name: "Rae Kim", verificationCode: code?.(cast) },
})
const wrong = () => "WRONGCODE"
const right = (cast: Cast) => cast.code

/** By the row's name. */
export const CALLS: Record<string, MakeCall> = {
  "GET /health": plain("/health"),
  "GET /health/ready": plain("/health/ready"),
  "GET /openapi.json": plain("/openapi.json"),
  "GET /docs": plain("/docs"),
  "GET /docs/:file": plain("/docs/start.js"),
  "GET /api/v1/me": plain(`${V1}/me`),

  "POST /api/v1/patients": plain(`${V1}/patients`, { name: "Nell New" }),
  "POST /api/v1/patients (walk-in)": plain(`${V1}/patients`, { name: "Wes Walkin", walkIn: true }),
  "GET /api/v1/patients": plain(`${V1}/patients?name=quillon`),
  "GET /api/v1/audit/me": plain(`${V1}/audit/me`),
  "PATCH /api/v1/patients/me": plain(`${V1}/patients/me`, { latitude: 40, longitude: -74 }),

  "POST /api/v1/doctors": plain(`${V1}/doctors`, doctorInput),
  "POST /api/v1/doctors (joining, right code)": join(right),
  "POST /api/v1/doctors (joining, wrong code)": join(wrong),
  "PATCH /api/v1/doctors/me": plain(`${V1}/doctors/me`, { bio: "Hearts." }),
  "GET /api/v1/doctors/search": plain(`${V1}/doctors/search?latitude=40.7&longitude=-74`),
  "GET /api/v1/doctors/:id": (cast) => ({ path: `${V1}/doctors/${cast.doctorId}` }),
  "GET /api/v1/doctors/:id/availability": (cast) => ({ path: `${V1}/doctors/${cast.doctorId}/availability?date=${cast.slot()}` }),
  "GET /api/v1/doctors/analytics": plain(`${V1}/doctors/analytics`),

  "POST /api/v1/appointments": (cast) => ({
    path: `${V1}/appointments`,
    body: { doctorId: cast.doctorId, scheduledAt: cast.slot() },
  }),
  "POST /api/v1/appointments (for the patient)": ({ doctorId, patientId, slot }) => ({
    path: `${V1}/appointments`,
    body: { doctorId, patientId, scheduledAt: slot() },
    ids: [doctorId, patientId],
  }),
  "GET /api/v1/appointments": plain(`${V1}/appointments`),
  "GET /api/v1/appointments/:id": about(aVisit, (id) => `/appointments/${id}`),
  "PUT /api/v1/appointments/:id (CONFIRMED)": about(
    aVisit,
    (id) => `/appointments/${id}`,
    () => ({ status: "CONFIRMED" }),
  ),
  "PUT /api/v1/appointments/:id (CANCELLED)": about(
    aVisit,
    (id) => `/appointments/${id}`,
    () => ({ status: "CANCELLED" }),
  ),
  "PUT /api/v1/appointments/:id (another time)": about(
    aVisit,
    (id) => `/appointments/${id}`,
    (cast) => ({ scheduledAt: cast.slot() }),
  ),

  "POST /api/v1/payments": async (cast) => {
    const appointmentId = await visit(cast)
    return { path: `${V1}/payments`, body: { appointmentId, amount: 20, method: "CASH" }, ids: [appointmentId] }
  },
  "POST /api/v1/payments (without appointment)": async ({ doctorId, patientId }) => ({
    path: `${V1}/payments`,
    body: { doctorId, patientId, amount: 20, method: "CASH" },
    ids: [doctorId, patientId],
  }),
  "GET /api/v1/payments": plain(`${V1}/payments`),
  "GET /api/v1/payments/:id": about(payment, (id) => `/payments/${id}`),
  "PUT /api/v1/payments/:id/status": about(
    payment,
    (id) => `/payments/${id}/status`,
    () => ({ status: "COMPLETED" }),
  ),

  "POST /api/v1/receptionists": link(),
  "POST /api/v1/receptionists (right code)": link(right),
  "POST /api/v1/receptionists (wrong code)": link(wrong),
  "GET /api/v1/receptionists": plain(`${V1}/receptionists`),
  "PUT /api/v1/receptionists/:id": about(
    applicant,
    (id) => `/receptionists/${id}`,
    () => ({ status: "ACTIVE" }),
  ),
  "GET /api/v1/receptionists/stats": plain(`${V1}/receptionists/stats`),
  "GET /api/v1/receptionists/queue": plain(`${V1}/receptionists/queue`),
  "GET /api/v1/receptionists/queue (of the clinic)": ({ clinicId }) => ({
    path: `${V1}/receptionists/queue?clinicId=${clinicId}`,
    ids: [clinicId],
  }),
  "POST /api/v1/receptionists/queue/next": async (cast) => {
    await aWaitingVisit(cast)
    return { path: `${V1}/receptionists/queue/next`, body: { doctorId: cast.doctorId }, ids: [cast.doctorId] }
  },
  "PUT /api/v1/receptionists/queue/:appointmentId": about(
    aWaitingVisit,
    (id) => `/receptionists/queue/${id}`,
    () => ({ priority: 3 }),
  ),
  "PUT /api/v1/receptionists/queue/:appointmentId (not waiting)": about(
    aVisit,
    (id) => `/receptionists/queue/${id}`,
    () => ({
      priority: 3,
    }),
  ),

  "GET /api/v1/notifications": plain(`${V1}/notifications`),
  "PUT /api/v1/notifications/read": plain(`${V1}/notifications/read`, { upTo: 0 }),
}
