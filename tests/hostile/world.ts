/** Whom the attackers are, and whom they must not reach: a clinic with a patient, all of whose private data can be told anywhere. */
import type { Pool } from "../../core/db.ts"
import { doctorInput } from "../harness/api.ts"
import { applicant, type Cast, castOf, payment, visit } from "../harness/cast.ts"
import type { KindOfId, Known } from "./arbitraries.ts"
import type { Target } from "./target.ts"

/** Nobody sends these, and nobody but the victim's own people may be told them. */
const CANARY = "zq7canary"
const AMOUNT = 876_543.21

export type Victim = {
  canaries: string[]
  ids: Omit<Record<KindOfId, string>, "patient">
  /** All that is written about the victim, as text. */
  state: () => Promise<string>
}

export type World = { cast: Cast; victim: Victim; known: Known }

const SLOTS = 60

export async function worldOf(api: Target): Promise<World> {
  const cast = await castOf(api)
  const victim = await victimOf(api)
  const [waiting, booked, paid, hopeful] = [
    await visit(cast, "CONFIRMED", "WAITING"),
    await visit(cast),
    await payment(cast),
    await applicant(cast),
  ]
  return {
    cast,
    victim,
    known: {
      ids: {
        doctor: [cast.doctorId, cast.doctorId, cast.doctorId, cast.otherDoctorId, victim.ids.doctor],
        patient: [cast.patientId, cast.patientId, cast.strangerId],
        clinic: [cast.clinicId, cast.clinicId, cast.otherClinicId, victim.ids.clinic],
        appointment: [waiting, booked, victim.ids.appointment],
        payment: [paid, victim.ids.payment],
        receptionist: [hopeful, victim.ids.receptionist],
      },
      times: Array.from({ length: SLOTS }, () => cast.slot()),
    },
  }
}

async function victimOf(api: Target): Promise<Victim> {
  const [doctor, patient, desk] = [api.person(), api.person(), api.person()]
  const { body: profile } = await doctor.post("/doctors", { ...doctorInput, name: "Dr. Vi Victim", clinicName: "Victim Clinic" })
  const { body: self } = await patient.post("/patients", { name: `${CANARY} name`, phone: `+99 ${CANARY} phone`, city: `${CANARY} city` })
  const { clinicId, clinicVerificationCode: code } = profile
  const { body: link } = await desk.post("/receptionists", { clinicId, verificationCode: code, name: `${CANARY} desk` })
  const day = new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10)
  const { body: free } = await patient.get(`/doctors/${profile.id}/availability?date=${day}`)
  const { body: booked } = await patient.post("/appointments", {
    doctorId: profile.id,
    scheduledAt: free.slots[0].start,
    reason: `${CANARY} reason`,
  })
  await desk.put(`/appointments/${booked.id}`, { status: "CONFIRMED" })
  const card = { number: "5555 5555 5555 4444", expMonth: 12, expYear: 2090, holder: `${CANARY} holder` }
  const { body: paid } = await patient.post("/payments", { appointmentId: booked.id, amount: AMOUNT, method: "CARD", card })
  return {
    canaries: [CANARY, code, '"last4":"4444"', String(AMOUNT), self.id],
    // Not the patient's: who is told that id may book for them, and is from then on told their name.
    ids: { doctor: profile.id, clinic: clinicId, receptionist: link.id, appointment: booked.id, payment: paid.id },
    state: () => stateOf(api.database.pool, [profile.id, clinicId, link.id, booked.id, paid.id, self.id]),
  }
}

async function stateOf(pool: Pool, ids: string[]): Promise<string> {
  const [row] = await pool`
    select concat_ws('|',
      (select string_agg(x::text, '|' order by id) from patients x where id = any (${ids}::uuid[])),
      (select string_agg(x::text, '|' order by id) from doctors x where id = any (${ids}::uuid[])),
      (select string_agg(x::text, '|' order by id) from clinics x where id = any (${ids}::uuid[])),
      (select string_agg(x::text, '|' order by id) from receptionists x where id = any (${ids}::uuid[])),
      (select string_agg(x::text, '|' order by id) from appointments x where id = any (${ids}::uuid[])),
      (select string_agg(x::text, '|' order by id) from payments x where id = any (${ids}::uuid[]))) as state`
  return row?.state
}
