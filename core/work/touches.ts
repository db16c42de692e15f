/** Which events change a doctor's figures, and where. */
import type { LoggedEvent } from "../events/catalog.ts"

/** An appointment's old or new place in time. `reorders`: a patient's first visit may now be another one. */
export type TouchedAppointment = { appointmentId: string; at: string; reorders: boolean }

export type Touches = { appointments: TouchedAppointment[]; paymentIds: string[]; doctorIds: string[] }

/** A visit that is REJECTED, or back to PENDING at a new time, is no longer where a patient's visits had it. Nothing leaves REJECTED (core/appointments/state.ts). */
const REORDERING = new Set(["PENDING", "REJECTED"])

export function touchesOf(events: readonly LoggedEvent[]): Touches {
  const appointments = new Map<string, TouchedAppointment>()
  const paymentIds = new Set<string>()
  const doctorIds = new Set<string>()
  const touch = (appointmentId: string, at: string, reorders: boolean) => {
    const key = `${appointmentId} ${at}`
    appointments.set(key, { appointmentId, at, reorders: reorders || (appointments.get(key)?.reorders ?? false) })
  }
  for (const { name, data } of events) {
    if (name === "appointment:new") touch(String(data.appointmentId), String(data.scheduledAt), true)
    else if (name === "appointment:moved") touch(String(data.appointmentId), String(data.from), true)
    else if (name === "appointment:update") touch(String(data.appointmentId), String(data.scheduledAt), REORDERING.has(String(data.status)))
    else if (name === "payment:update") paymentIds.add(String(data.paymentId))
    else if (name === "doctor:changed") doctorIds.add(String(data.doctorId))
  }
  return { appointments: [...appointments.values()], paymentIds: [...paymentIds], doctorIds: [...doctorIds] }
}
