import { type Patient, type Receptionist, requireActive } from "../auth/principal.ts"
import type { Db } from "../db.ts"
import { bookableSlot } from "../doctors/schedule/availability.ts"
import type { DoctorSchedule } from "../doctors/schedule/queries.ts"
import { forbidden, invalid, notFound } from "../errors.ts"
import { newEvent } from "../events/log.ts"
import { instant } from "../time.ts"
import { claimTime } from "./claim-time.ts"
import type { Parties } from "./parties.ts"
import { insertAppointment } from "./queries.ts"
import type { Appointment, BookAppointment } from "./schema.ts"

/**
 * Books a slot: 404 for an unknown doctor or patient, 422 for what is not a bookable slot, 409 with the next free slots
 * for a time that is taken. However many ask for one time at once, exactly one gets it.
 */
export async function bookAppointment(
  db: Db,
  parties: Parties,
  caller: Patient | Receptionist,
  input: BookAppointment,
): Promise<Appointment> {
  const patientId = patientFor(caller, input)
  return await parties.withSchedule(db, input.doctorId, async (doctor) => {
    if (caller.role === "RECEPTIONIST" && doctor.clinicId !== caller.clinicId) throw notFound("doctor")
    const booked = await bookWith(db, doctor, await parties.patient(db, patientId), input)
    if (!booked) parties.forgetPatient(patientId)
    return booked
  })
}

function patientFor(caller: Patient | Receptionist, input: BookAppointment): string {
  if (caller.role === "RECEPTIONIST") {
    requireActive(caller)
    if (!input.patientId) throw invalid("patientId", "is required when the front desk books")
    return input.patientId
  }
  if (input.patientId && input.patientId !== caller.patientId) throw forbidden("A patient books for themselves only.")
  return caller.patientId
}

/** Undefined when the doctor or the patient is no longer as given. */
async function bookWith(
  db: Db,
  doctor: DoctorSchedule,
  patient: { id: string; name: string; version: number },
  input: BookAppointment,
): Promise<Appointment | undefined> {
  const slot = bookableSlot(doctor, input.scheduledAt.getTime(), Date.now())
  const id = Bun.randomUUIDv7()
  const reason = input.reason ?? null
  const event = newEvent({
    name: "appointment:new",
    data: { appointmentId: id, patientName: patient.name, scheduledAt: instant(input.scheduledAt), reason },
    about: { doctorId: doctor.doctorId, clinicId: doctor.clinicId },
  })
  const appointment = {
    id,
    doctorId: doctor.doctorId,
    doctorVersion: doctor.version,
    patientId: patient.id,
    patientVersion: patient.version,
    start: new Date(slot.start),
    end: new Date(slot.end),
    type: input.type,
    reason,
  }
  return await claimTime(db, doctor, slot, () => insertAppointment(db, appointment, event))
}
