/** Everyone there is, at two clinics: those whom a thing belongs to, those beside them and those from elsewhere. */
import { doctorInput, type Person, receptionistOf, type TestApi } from "./api.ts"

/** In the order in which tables of them are read. */
export const ROLES = [
  "newcomer",
  "patient",
  "stranger",
  "doctor",
  "colleague",
  "elsewhere",
  "desk",
  "desk2",
  "pending",
  "rejected",
  "revoked",
] as const
export type RoleName = (typeof ROLES)[number]

/** Days ahead on which visits are booked: not today, so that no slot passes meanwhile. */
const DAYS_AHEAD = 3
const DAY_MS = 86_400_000

/**
 * - newcomer: signed in, without a profile; a new one each time they are asked for
 * - patient, doctor, desk: whose it is
 * - stranger: a patient of the same city who has never been to the clinic
 * - colleague: another doctor of the clinic
 * - elsewhere, desk2: a doctor and a receptionist of another clinic
 * - pending, rejected, revoked: receptionists of the clinic who may not, or no longer, work there
 */
export type Cast = {
  api: TestApi
  of: (role: RoleName) => Person
  clinicId: string
  /** The clinic's secret. */
  code: string
  doctorId: string
  patientId: string
  strangerId: string
  otherClinicId: string
  otherDoctorId: string
  /** A free slot of the doctor's, another one each time. */
  slot: () => string
  /** A slot of the doctor elsewhere. */
  otherSlot: () => string
}

/** What only those of the clinic may see; it is looked for in the answers of all others. */
export const SECRETS = {
  patientName: "Quillon Hargreave-Canary",
  phone: "+1 212 555 777 0142",
  reason: "canary-reason-7f3e",
}

export async function castOf(api: TestApi): Promise<Cast> {
  const [doctor, colleague, elsewhere, patient, stranger] = [api.person(), api.person(), api.person(), api.person(), api.person()]
  const profile = (await doctor.post("/doctors", doctorInput)).body
  const { clinicName, clinicAddress, city, clinicLatitude, clinicLongitude, ...practice } = doctorInput
  const { clinicId, clinicVerificationCode: code } = profile
  await colleague.post("/doctors", { ...practice, name: "Dr. Bea Colleague", clinicId, clinicVerificationCode: code })
  const other = (await elsewhere.post("/doctors", { ...doctorInput, name: "Dr. Cy Elsewhere", clinicName: "Hill Clinic" })).body
  const { patientName: name, phone } = SECRETS
  const self = (await patient.post("/patients", { name, phone, city: "New York" })).body
  const { id: strangerId } = (await stranger.post("/patients", { name: "Sam Stranger", city: "new york" })).body
  const [desk, pending, rejected, revoked] = await Promise.all(
    ["ACTIVE", "PENDING", "REJECTED", "REVOKED"].map((status) => receptionistOf(api, clinicId, status)),
  )
  const desk2 = await receptionistOf(api, other.clinicId)
  const people = { patient, stranger, doctor, colleague, elsewhere, desk, desk2, pending, rejected, revoked } as Record<RoleName, Person>
  return {
    api,
    of: (role) => (role === "newcomer" ? api.person() : people[role]),
    clinicId,
    code,
    doctorId: profile.id,
    patientId: self.id,
    strangerId,
    otherClinicId: other.clinicId,
    otherDoctorId: other.id,
    slot: await slotsOf(patient, profile.id),
    otherSlot: await slotsOf(stranger, other.id),
  }
}

/** Free slots of a doctor, one after the other, of as many days as are needed. */
async function slotsOf(who: Person, doctorId: string): Promise<() => string> {
  const days = Array.from({ length: 20 }, (_, i) => new Date(Date.now() + (DAYS_AHEAD + i) * DAY_MS).toISOString().slice(0, 10))
  const answers = await Promise.all(days.map((day) => who.get(`/doctors/${doctorId}/availability?date=${day}`)))
  const free = answers.flatMap(({ body }) => (body.slots as { start: string }[]).map(({ start }) => start))
  return () => {
    const next = free.shift()
    if (!next) throw new Error("the doctor has no free slot left")
    return next
  }
}

/** A visit of the patient to the doctor, which has come as far as this. */
export async function visit(cast: Cast, ...moves: string[]): Promise<string> {
  const { status, body } = await cast
    .of("patient")
    .post("/appointments", { doctorId: cast.doctorId, scheduledAt: cast.slot(), reason: SECRETS.reason })
  if (status !== 201) throw new Error(`the visit could not be booked: ${JSON.stringify(body)}`)
  for (const move of moves) {
    const moved = await cast.of("desk").put(`/appointments/${body.id}`, { status: move })
    if (moved.status !== 200) throw new Error(`${move}: ${JSON.stringify(moved.body)}`)
  }
  return body.id
}

/** A payment of the patient to the doctor, PENDING. */
export async function payment(cast: Cast): Promise<string> {
  const { status, body } = await cast.of("patient").post("/payments", { appointmentId: await visit(cast), amount: 20, method: "CASH" })
  if (status !== 201) throw new Error(`the payment could not be made: ${JSON.stringify(body)}`)
  return body.id
}

/** Someone who asks to work at the clinic's desk. */
export async function applicant(cast: Cast): Promise<string> {
  const { status, body } = await cast.api.person().post("/receptionists", { clinicId: cast.clinicId, name: "Ann Applicant" })
  if (status !== 201) throw new Error(`the receptionist could not apply: ${JSON.stringify(body)}`)
  return body.id
}
