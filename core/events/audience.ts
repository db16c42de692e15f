import { caseKey } from "../text.ts"
import type { Event } from "./catalog.ts"

/** Rooms are plain strings: in the log, in Redis and in Socket.IO they are the same. */
export type Room = string

export const room = {
  doctor: (doctorId: string): Room => `doctor:${doctorId}`,
  patient: (patientId: string): Room => `patient:${patientId}`,
  /** The front desk of a clinic: its active receptionists. */
  desk: (clinicId: string): Room => `desk:${clinicId}`,
  /** The doctors of a clinic. */
  clinicDoctors: (clinicId: string): Room => `clinic-doctors:${clinicId}`,
  /** Patients who live in a city; cities are compared without regard to case. */
  city: (city: string): Room => `city:${caseKey(city)}`,
}

/** Who may hear an event. A new event does not compile until someone says so here. */
export function audience(event: Event): Room[] {
  switch (event.name) {
    case "appointment:new":
      return [room.doctor(event.about.doctorId), room.desk(event.about.clinicId)]
    case "appointment:update":
      return [room.doctor(event.about.doctorId), room.patient(event.about.patientId), room.desk(event.about.clinicId)]
    case "payment:update":
      return [room.doctor(event.about.doctorId), room.desk(event.about.clinicId)]
    case "doctor:new":
      return [room.city(event.about.city)]
    case "queue:update":
      return [room.desk(event.about.clinicId), room.clinicDoctors(event.about.clinicId)]
    case "queue:position":
      return [room.patient(event.about.patientId)]
    case "appointment:reminder":
      return [room.patient(event.about.patientId)]
    case "analytics:update":
      return [room.doctor(event.about.doctorId)]
    case "appointment:moved":
    case "doctor:changed":
    case "doctors:imported":
    case "access:changed":
      return []
    default:
      return event satisfies never
  }
}

/** What an event is about, and within what it is ordered. */
export function subject(event: Event): string {
  switch (event.name) {
    case "appointment:new":
    case "appointment:update":
    case "appointment:moved":
    case "appointment:reminder":
      return `appointment:${event.data.appointmentId}`
    case "payment:update":
      return `payment:${event.data.paymentId}`
    case "doctor:new":
    case "doctor:changed":
      return `doctor:${event.data.doctorId}`
    case "doctors:imported":
      return "doctors"
    case "queue:update":
    case "queue:position":
      return `queue:${event.about.clinicId}`
    case "analytics:update":
      return `analytics:${event.about.doctorId}`
    case "access:changed":
      return `account:${event.data.uid}`
    default:
      return event satisfies never
  }
}
