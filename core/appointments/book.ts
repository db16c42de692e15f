import { type Patient, type Receptionist, requireActive } from "../auth/principal.ts"
import type { Db } from "../db.ts"
import { bookableSlot } from "../doctors/schedule/availability.ts"
import type { DoctorSchedule } from "../doctors/schedule/queries.ts"
import type { Slot } from "../doctors/schedule/slots.ts"
import { forbidden, invalid, notFound } from "../errors.ts"
import { newEvent } from "../events/log.ts"
import type { PatientName } from "../patients/queries.ts"
import { instant } from "../time.ts"
import type { Bookings } from "./bookings.ts"
import type { Parties } from "./parties.ts"
import type { NewAppointment } from "./queries.ts"
import type { Appointment, BookAppointment } from "./schema.ts"
import { slotTaken } from "./taken.ts"

/** What a process keeps for booking. */
export type BookingDesk = { parties: Parties; bookings: Bookings }

/**
 * Books a slot: 404 for an unknown doctor or patient, 422 for what is not a bookable slot, 409 with the next free slots
 * for a time that is taken. However many ask for one time at once, exactly one gets it.
 */
export async function bookAppointment(
  db: Db,
  desk: BookingDesk,
  caller: Patient | Receptionist,
  input: BookAppointment,
): Promise<Appointment> {
  const patientId = patientFor(caller, input)
  const { parties, bookings } = desk
  return await parties.withSchedule(db, input.doctorId, async (doctor) => {
    if (caller.role === "RECEPTIONIST" && doctor.clinicId !== caller.clinicId) throw notFound("doctor")
    const slot = bookableSlot(doctor, input.scheduledAt.getTime(), Date.now())
    const outcome = await bookings.book(newAppointment(doctor, await parties.patient(db, patientId), slot, input))
    if (outcome === "taken") throw await slotTaken(db, doctor, slot)
    if (outcome !== "stale") return outcome
    parties.forgetPatient(patientId)
    return undefined
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

function newAppointment(
  doctor: DoctorSchedule,
  patient: PatientName,
  slot: Slot,
  { type, reason = null }: BookAppointment,
): NewAppointment {
  const id = Bun.randomUUIDv7()
  const start = new Date(slot.start)
  const event = newEvent({
    name: "appointment:new",
    data: { appointmentId: id, patientName: patient.name, scheduledAt: instant(start), reason },
    about: { doctorId: doctor.doctorId, clinicId: doctor.clinicId },
  })
  return { id, doctor, patient, start, end: new Date(slot.end), type, reason, event }
}
