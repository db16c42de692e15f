/** Every event there is: its payload as clients get it, and whom it is about, from which follows who may hear it. */
import { z } from "zod"

const id = z.uuid()
const instant = z.iso.datetime()

export const AppointmentStatus = z.enum(["PENDING", "CONFIRMED", "REJECTED", "CANCELLED", "WAITING", "IN_PROGRESS", "COMPLETED", "NO_SHOW"])
export type AppointmentStatus = z.infer<typeof AppointmentStatus>

/** Payloads of the events that clients hear, to the letter of the public contract. */
export const payloads = {
  "appointment:new": z.strictObject({ appointmentId: id, patientName: z.string(), scheduledAt: instant, reason: z.string().nullable() }),
  "appointment:update": z.strictObject({ appointmentId: id, status: AppointmentStatus, scheduledAt: instant }),
  "doctor:new": z.strictObject({ doctorId: id, city: z.string() }),
} as const

/** Internal events: in the log for every process to obey, never sent or listed. */
export const internal = {
  /** The doctor's row changed; `version` is the row's. */
  "doctor:changed": z.strictObject({ doctorId: id, version: z.int() }),
  /** What this person may hear or do changed: a profile was made, a city moved, a receptionist approved or revoked. */
  "access:changed": z.strictObject({ uid: z.string() }),
} as const

export type PublicName = keyof typeof payloads
export type InternalName = keyof typeof internal
export type EventName = PublicName | InternalName

type Payload<N extends EventName> = N extends PublicName
  ? z.infer<(typeof payloads)[N]>
  : N extends InternalName
    ? z.infer<(typeof internal)[N]>
    : never

type About = {
  "appointment:new": { doctorId: string; clinicId: string }
  "appointment:update": { doctorId: string; patientId: string; clinicId: string }
  "doctor:new": { city: string }
  "doctor:changed": { doctorId: string }
  "access:changed": { uid: string }
}

/** An event as a feature states it; {@link NewEvent} is the row it becomes. */
export type Event = { [N in EventName]: { name: N; data: Payload<N>; about: About[N] } }[EventName]

/** A row for the log, not yet written. */
export type NewEvent = { id: string; name: EventName; subject: string; rooms: string[]; data: Event["data"] }

/** A row of the log that has its place. */
export type LoggedEvent = {
  offset: number
  id: string
  name: EventName
  subject: string
  rooms: string[]
  data: Record<string, unknown>
  occurredAt: Date
}
