/** Every event there is: its payload as clients get it, and whom it is about, from which follows who may hear it. */
import { z } from "zod"

const id = z.uuid()
const instant = z.iso.datetime()

export const AppointmentStatus = z.enum(["PENDING", "CONFIRMED", "REJECTED", "CANCELLED", "WAITING", "IN_PROGRESS", "COMPLETED", "NO_SHOW"])
export type AppointmentStatus = z.infer<typeof AppointmentStatus>

export const PaymentStatus = z.enum(["PENDING", "COMPLETED", "FAILED", "REFUNDED"])
export type PaymentStatus = z.infer<typeof PaymentStatus>

/** Payloads of the events that clients hear, to the letter of the public contract. */
export const payloads = {
  "appointment:new": z.strictObject({ appointmentId: id, patientName: z.string(), scheduledAt: instant, reason: z.string().nullable() }),
  "appointment:update": z.strictObject({ appointmentId: id, status: AppointmentStatus, scheduledAt: instant }),
  "payment:update": z.strictObject({ paymentId: id, appointmentId: id.nullable(), amount: z.number(), status: PaymentStatus }),
  "doctor:new": z.strictObject({ doctorId: id, city: z.string() }),
  "queue:update": z.strictObject({ clinicId: id, waiting: z.int(), inProgress: z.int() }),
  "queue:position": z.strictObject({ appointmentId: id, position: z.int(), estimatedStart: instant }),
  "appointment:reminder": z.strictObject({ appointmentId: id, scheduledAt: instant }),
  "analytics:update": z.strictObject({ date: z.iso.date(), computedAt: instant }),
} as const

/** Internal events: in the log for every process to obey, never sent or listed. */
export const internal = {
  /** The appointment left its time, `from`, for another. */
  "appointment:moved": z.strictObject({ appointmentId: id, from: instant }),
  /** The doctor's row changed; `version` is the row's. */
  "doctor:changed": z.strictObject({ doctorId: id, version: z.int() }),
  /** Many doctors' rows came at once, without an event each: whoever holds doctors reads them all anew. */
  "doctors:imported": z.strictObject({ count: z.int() }),
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
  "payment:update": { doctorId: string; clinicId: string }
  "doctor:new": { city: string }
  "queue:update": { clinicId: string }
  "queue:position": { patientId: string; clinicId: string }
  "appointment:reminder": { patientId: string }
  "appointment:moved": { doctorId: string }
  "analytics:update": { doctorId: string }
  "doctor:changed": { doctorId: string }
  "doctors:imported": Record<string, never>
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
