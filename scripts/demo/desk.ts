/** Who comes and goes at the demo clinic: its patients, and the demo doctor's appointments around the present moment. */

import { type Schedule, type Slot, slotsOfDay } from "../../core/doctors/schedule/slots.ts"
import { dayOf } from "../../core/doctors/schedule/zone.ts"
import { personName } from "./cultures.ts"
import { demoUid } from "./people.ts"
import { between, chance, pick, randomOf, uuidAt } from "./random.ts"

export type Patient = {
  id: string
  uid: string | null
  name: string
  phone: string
  city: string
  latitude: number | null
  longitude: number | null
}

export type Appointment = {
  id: string
  patientId: string
  start: Date
  end: Date
  status: "PENDING" | "CONFIRMED" | "COMPLETED" | "CANCELLED" | "NO_SHOW"
  type: "IN_PERSON" | "TELEMEDICINE"
  reason: string
  version: number
  createdAt: Date
  updatedAt: Date
}

const WALK_INS = 48
const FIRST_PATIENT_MS = Date.parse("2024-01-02T00:00:00Z")
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** New York is a city of many origins. */
const CULTURES = [
  "american",
  "american",
  "american",
  "latin",
  "italian",
  "chinese",
  "indian",
  "korean",
  "polish",
  "arabic",
  "russian",
  "caribbean",
]
const CITY = "New York"

/** The demo patient, a few streets from the demo clinic, and people without accounts whom its desk knows. */
export function patients(seed: number): Patient[] {
  const random = randomOf(seed, "desk")
  const demo: Patient = {
    id: uuidAt(random, FIRST_PATIENT_MS),
    uid: demoUid.patient,
    name: "Daniel Rivera",
    phone: "+12125550100",
    city: CITY,
    latitude: 40.74844,
    longitude: -73.98566,
  }
  const walkIns = Array.from({ length: WALK_INS }, (_, index) => ({
    id: uuidAt(random, FIRST_PATIENT_MS + (index + 1) * HOUR_MS),
    uid: null,
    name: personName(random, pick(random, CULTURES)),
    // 555-0100 to 555-0199 are kept for fiction.
    phone: `+121255501${String(index + 1).padStart(2, "0")}`,
    city: CITY,
    latitude: null,
    longitude: null,
  }))
  return [demo, ...walkIns]
}

export function receptionistId(seed: number): string {
  return uuidAt(randomOf(seed, "desk"), FIRST_PATIENT_MS - HOUR_MS)
}

const DAYS_BACK = 28
const DAYS_AHEAD = 14
/** Shares of slots that are booked: enough to fill a dashboard, and enough left to book. */
const PAST_SHARE = 0.5
const FUTURE_SHARE = 0.35
const CONFIRMED_SHARE = 0.7
const TELEMEDICINE_SHARE = 0.1
const COMPLETED_PERCENT = 88
const CANCELLED_PERCENT = 7
const BOOKED_AHEAD_HOURS = { from: 12, to: 240 }
const REASONS = [
  ...["General checkup", "Sore throat", "Back pain", "Blood pressure check", "Vaccination", "Headache", "Follow-up visit"],
  ...["Blood test results", "Cough and fever", "Prescription renewal", "Knee pain", "Skin rash", "Travel advice", "Tiredness"],
]

/** Four weeks back and two ahead of `now`, in slots of the doctor's own. The patients are the same; the days move with the present. */
export function appointments(seed: number, schedule: Schedule, patientsOf: readonly Patient[], now: Date): Appointment[] {
  const random = randomOf(seed, "appointments")
  const today = Temporal.PlainDate.from(dayOf(now.getTime(), schedule.timezone))
  const made: Appointment[] = []
  for (let day = -DAYS_BACK; day <= DAYS_AHEAD; day++) {
    for (const slot of slotsOfDay(schedule, today.add({ days: day }).toString())) {
      const past = slot.end <= now.getTime()
      const present = !past && slot.start <= now.getTime()
      if (present || !chance(random, past ? PAST_SHARE : FUTURE_SHARE)) continue
      made.push(appointment(random, slot, pick(random, patientsOf.slice(1)).id, now))
    }
  }
  const demo = patientsOf[0]
  const completed = made.findLast(({ status }) => status === "COMPLETED")
  const coming = made.find(({ status, start }) => status === "CONFIRMED" && start.getTime() > now.getTime() + DAY_MS)
  for (const own of [completed, coming]) if (own && demo) own.patientId = demo.id
  return made
}

function appointment(random: ReturnType<typeof randomOf>, slot: Slot, patientId: string, now: Date): Appointment {
  const aheadMs = between(random, BOOKED_AHEAD_HOURS.from, BOOKED_AHEAD_HOURS.to) * HOUR_MS
  const createdMs = Math.min(slot.start, now.getTime()) - aheadMs
  const past = slot.end <= now.getTime()
  const percent = between(random, 1, 100)
  const status = past ? pastStatus(percent) : percent <= CONFIRMED_SHARE * 100 ? "CONFIRMED" : "PENDING"
  return {
    id: uuidAt(random, createdMs),
    patientId,
    start: new Date(slot.start),
    end: new Date(slot.end),
    status,
    type: chance(random, TELEMEDICINE_SHARE) ? "TELEMEDICINE" : "IN_PERSON",
    reason: pick(random, REASONS),
    version: VERSIONS[status],
    createdAt: new Date(createdMs),
    updatedAt: new Date(status === "COMPLETED" ? slot.end : status === "NO_SHOW" ? slot.start : createdMs),
  }
}

function pastStatus(percent: number): Appointment["status"] {
  if (percent <= COMPLETED_PERCENT) return "COMPLETED"
  return percent <= COMPLETED_PERCENT + CANCELLED_PERCENT ? "CANCELLED" : "NO_SHOW"
}

/** As many as the changes that led there, the booking included. */
const VERSIONS: Record<Appointment["status"], number> = { PENDING: 1, CONFIRMED: 2, CANCELLED: 2, NO_SHOW: 3, COMPLETED: 5 }
