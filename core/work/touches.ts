/** Which events change a doctor's figures, and where. */
import type { EventName, LoggedEvent } from "../events/catalog.ts"

/** An appointment's old or new place in time. `reorders`: a patient's first visit may now be another one. */
export type TouchedAppointment = { appointmentId: string; at: string; reorders: boolean }

export type Touches = { appointments: TouchedAppointment[]; paymentIds: string[]; doctorIds: string[] }

/** A visit that is REJECTED, or back to PENDING at a new time, is no longer where a patient's visits had it. Nothing leaves REJECTED (core/appointments/state.ts). */
const REORDERING = new Set(["PENDING", "REJECTED"])

type Touch = (touches: TouchesByKey, data: LoggedEvent["data"]) => void

type TouchesByKey = { appointments: Map<string, TouchedAppointment>; paymentIds: Set<string>; doctorIds: Set<string> }

const TOUCHED_BY: Partial<Record<EventName, Touch>> = {
  "appointment:new": (touches, data) => touch(touches, data.appointmentId, data.scheduledAt, true),
  "appointment:moved": (touches, data) => touch(touches, data.appointmentId, data.from, true),
  "appointment:update": (touches, data) => touch(touches, data.appointmentId, data.scheduledAt, REORDERING.has(String(data.status))),
  "payment:update": ({ paymentIds }, data) => paymentIds.add(String(data.paymentId)),
  "doctor:changed": ({ doctorIds }, data) => doctorIds.add(String(data.doctorId)),
}

/** Of these events, figures may change. */
export const TOUCHING_EVENTS = Object.keys(TOUCHED_BY)

export function touchesOf(events: readonly LoggedEvent[]): Touches {
  const touches: TouchesByKey = { appointments: new Map(), paymentIds: new Set(), doctorIds: new Set() }
  for (const { name, data } of events) TOUCHED_BY[name]?.(touches, data)
  const { appointments, paymentIds, doctorIds } = touches
  return { appointments: [...appointments.values()], paymentIds: [...paymentIds], doctorIds: [...doctorIds] }
}

function touch({ appointments }: TouchesByKey, appointmentId: unknown, at: unknown, reorders: boolean): void {
  const key = `${appointmentId} ${at}`
  const known = appointments.get(key)?.reorders ?? false
  appointments.set(key, { appointmentId: String(appointmentId), at: String(at), reorders: reorders || known })
}
