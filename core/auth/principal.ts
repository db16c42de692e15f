/** Who is calling: the person behind a verified token, and what they may do. */

import { z } from "zod"
import { forbidden } from "../errors.ts"
import { type Room, room } from "../events/audience.ts"

export const Role = z.enum(["PATIENT", "DOCTOR", "RECEPTIONIST"])
export type Role = z.infer<typeof Role>
export const ReceptionistStatus = z.enum(["PENDING", "ACTIVE", "REJECTED", "REVOKED"])
export type ReceptionistStatus = z.infer<typeof ReceptionistStatus>

/** What a verified token says. `expiresAt` is in epoch seconds. */
export type Identity = { uid: string; expiresAt: number }

export type Patient = { uid: string; role: "PATIENT"; patientId: string; city: string | null }
export type Doctor = { uid: string; role: "DOCTOR"; doctorId: string; clinicId: string }
export type Receptionist = { uid: string; role: "RECEPTIONIST"; receptionistId: string; clinicId: string; status: ReceptionistStatus }
/** Signed in, but without a profile yet. */
export type Newcomer = { uid: string; role: null }

/** `address`: where they call from, where that is known. */
export type Principal = (Patient | Doctor | Receptionist | Newcomer) & { address?: string | null }

/** The rooms whose events this person may hear, now. */
export function roomsOf(principal: Principal): Room[] {
  switch (principal.role) {
    case "PATIENT":
      return principal.city ? [room.patient(principal.patientId), room.city(principal.city)] : [room.patient(principal.patientId)]
    case "DOCTOR":
      return [room.doctor(principal.doctorId), room.clinicDoctors(principal.clinicId)]
    case "RECEPTIONIST":
      return principal.status === "ACTIVE" ? [room.desk(principal.clinicId)] : []
    case null:
      return []
  }
}

/** Someone a doctor has turned away hears nothing at all. */
export function isBarred(principal: Principal): boolean {
  return principal.role === "RECEPTIONIST" && (principal.status === "REVOKED" || principal.status === "REJECTED")
}

/** A receptionist works for a clinic only while a doctor of it says so. */
export function requireActive(receptionist: Receptionist): Receptionist {
  if (receptionist.status !== "ACTIVE") throw forbidden(`This receptionist is ${receptionist.status}, not ACTIVE.`)
  return receptionist
}

/** Whose appointments and payments. */
export type Scope = { patientId: string } | { doctorId: string } | { clinicId: string }

/** A patient's and a doctor's own; the front desk's are its clinic's. */
export function scopeOf(caller: Patient | Doctor | Receptionist): Scope {
  switch (caller.role) {
    case "PATIENT":
      return { patientId: caller.patientId }
    case "DOCTOR":
      return { doctorId: caller.doctorId }
    case "RECEPTIONIST":
      return { clinicId: requireActive(caller).clinicId }
  }
}
