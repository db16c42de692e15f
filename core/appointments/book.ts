import { actorOf, entryOf } from "../audit/entry.ts"
import { type Patient, type Receptionist, requireActive } from "../auth/principal.ts"
import type { Db } from "../db.ts"
import { bookableSlot } from "../doctors/schedule/availability.ts"
import type { DoctorSchedule } from "../doctors/schedule/queries.ts"
import type { Slot } from "../doctors/schedule/slots.ts"
import { forbidden, invalid, notFound, Refusal } from "../errors.ts"
import { newEvent } from "../events/log.ts"
import { inFlight, type Once, replay } from "../idempotency/once.ts"
import { findAnswer, type Keyed } from "../idempotency/queries.ts"
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
 * for a time that is taken. However many ask for one time at once, exactly one gets it. Under a key, a retry gets the first answer.
 */
export async function bookAppointment(
  db: Db,
  desk: BookingDesk,
  caller: Patient | Receptionist,
  input: BookAppointment,
  keyed?: Keyed,
): Promise<Once<Appointment>> {
  const patientId = patientFor(caller, input)
  try {
    return await book(db, desk, caller, patientId, input, keyed)
  } catch (refusal) {
    // A retry meets its own booking: the slot is taken, or past, or the schedule has changed since. Its first answer goes before.
    const kept = keyed && refusal instanceof Refusal ? await findAnswer(db, keyed) : undefined
    if (kept && keyed) return replay(kept, keyed)
    throw refusal
  }
}

async function book(
  db: Db,
  { parties, bookings }: BookingDesk,
  caller: Patient | Receptionist,
  patientId: string,
  input: BookAppointment,
  keyed?: Keyed,
): Promise<Once<Appointment>> {
  return await parties.withSchedule(db, input.doctorId, async (doctor) => {
    if (caller.role === "RECEPTIONIST" && doctor.clinicId !== caller.clinicId) throw notFound("doctor")
    const slot = bookableSlot(doctor, input.scheduledAt.getTime(), Date.now())
    const patient = await parties.patient(db, patientId)
    // Whom another clinic's desk made is nobody here.
    if (patient.clinicId !== null && patient.clinicId !== doctor.clinicId) throw notFound("patient")
    const asked = { ...newAppointment(caller, doctor, patient, slot, input), keyed }
    const outcome = await bookings.book(asked)
    switch (outcome) {
      case "booked":
        return { answer: asked.appointment, replayed: false }
      case "taken":
        throw await slotTaken(db, doctor, slot)
      case "in flight":
        throw inFlight()
      case "stale":
        parties.forgetPatient(patientId)
        return undefined
      default:
        return replay<Appointment>(outcome, keyed as Keyed)
    }
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
  caller: Patient | Receptionist,
  doctor: DoctorSchedule,
  patient: PatientName,
  slot: Slot,
  { type, reason = null }: BookAppointment,
): NewAppointment {
  const now = instant(new Date())
  const appointment: Appointment = {
    id: Bun.randomUUIDv7(),
    doctorId: doctor.doctorId,
    doctorName: doctor.name,
    patientId: patient.id,
    patientName: patient.name,
    clinicId: doctor.clinicId,
    scheduledAt: instant(new Date(slot.start)),
    endsAt: instant(new Date(slot.end)),
    status: "PENDING",
    type,
    reason,
    version: 1,
    createdAt: now,
    updatedAt: now,
  }
  const { id: appointmentId, patientName, scheduledAt } = appointment
  const about = { doctorId: doctor.doctorId, clinicId: doctor.clinicId }
  const event = newEvent({ name: "appointment:new", data: { appointmentId, patientName, scheduledAt, reason }, about })
  const entry = entryOf(actorOf(caller), "CREATE", "appointment", appointmentId)
  return { appointment, doctorVersion: doctor.version, patientVersion: patient.version, event, entry }
}
