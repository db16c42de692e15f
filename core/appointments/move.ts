import { type Actor, entryOf } from "../audit/entry.ts"
import type { Tx } from "../db.ts"
import { newEvent } from "../events/log.ts"
import { applyConsequences, prepareConsequences } from "./consequences.ts"
import { updateStatus } from "./queries.ts"
import type { Appointment, AppointmentStatus } from "./schema.ts"
import { requireMove } from "./state.ts"

/**
 * Moves the status with all that follows from it. Throws a Refusal for a move that the state machine does not have; undefined when
 * the appointment is no longer as given.
 */
export async function moveAppointment(tx: Tx, before: Appointment, status: AppointmentStatus, by: Actor): Promise<Appointment | undefined> {
  requireMove(before.status, status)
  const prepared = await prepareConsequences(tx, before, status)
  const entry = entryOf(by, "CHANGE", "appointment", before.id)
  const after = await updateStatus(tx, before.id, before.version, status, updated(before, status, before.scheduledAt), entry)
  if (after) await applyConsequences(tx, by, after, prepared)
  return after
}

/** The event that says so. */
export function updated(a: Appointment, status: AppointmentStatus, scheduledAt: string) {
  return newEvent({
    name: "appointment:update",
    data: { appointmentId: a.id, status, scheduledAt },
    about: { doctorId: a.doctorId, patientId: a.patientId, clinicId: a.clinicId },
  })
}

/** The time it leaves: no row knows it any more, and what was counted there must be counted again. */
export function moved(a: Appointment) {
  return newEvent({ name: "appointment:moved", data: { appointmentId: a.id, from: a.scheduledAt }, about: { doctorId: a.doctorId } })
}
