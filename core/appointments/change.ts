import { actorOf, entryOf } from "../audit/entry.ts"
import { type Doctor, type Patient, type Receptionist, requireActive } from "../auth/principal.ts"
import type { Db, Pool } from "../db.ts"
import { bookableSlot } from "../doctors/schedule/availability.ts"
import { conflict, forbidden, notFound, Refusal } from "../errors.ts"
import { instant } from "../time.ts"
import { hasConsequences } from "./consequences.ts"
import { moveAppointment, moved, updated } from "./move.ts"
import type { Parties } from "./parties.ts"
import { findAppointment, updateStatus, updateTime } from "./queries.ts"
import type { Appointment, AppointmentStatus, ChangeAppointment } from "./schema.ts"
import { requireMove, requireReschedulable } from "./state.ts"
import { claimTime } from "./taken.ts"

/** A change lost to a rival is decided again on what the rival left. */
const ATTEMPTS = 5

export type Party = Patient | Doctor | Receptionist

/** The appointment, if the caller is one of its parties; otherwise it is not there. */
export async function readAppointment(db: Db, caller: Party, id: string): Promise<Appointment> {
  // Before anything is looked for: who does not work at a desk (yet) must not learn by the refusal what there is.
  if (caller.role === "RECEPTIONIST") requireActive(caller)
  const appointment = await findAppointment(db, id)
  if (!appointment || !isParty(caller, appointment)) throw notFound("appointment")
  return appointment
}

function isParty(caller: Party, appointment: Appointment): boolean {
  switch (caller.role) {
    case "PATIENT":
      return appointment.patientId === caller.patientId
    case "DOCTOR":
      return appointment.doctorId === caller.doctorId
    case "RECEPTIONIST":
      return appointment.clinicId === caller.clinicId
  }
}

/** Moves the status, or the time. A stale `version` is refused; without one, the change is decided on the latest state. */
export async function changeAppointment(
  db: Pool,
  parties: Parties,
  caller: Party,
  id: string,
  change: ChangeAppointment,
): Promise<Appointment> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const before = await readAppointment(db, caller, id)
    requireMayAsk(caller, change)
    if (change.version !== undefined && change.version !== before.version)
      throw conflict(`The appointment is at version ${before.version}, not ${change.version}.`)
    const after =
      change.status === undefined
        ? await reschedule(db, parties, caller, before, change.scheduledAt as Date)
        : await moveStatus(db, caller, before, change.status)
    if (after) return after
  }
  throw new Refusal("unavailable", "The appointment is changing. Try again.", { retryAfterSeconds: 1 })
}

/** What a role may never do, whatever the appointment's state. */
function requireMayAsk({ role }: Party, { status, scheduledAt }: ChangeAppointment): void {
  if (role === "PATIENT" && status !== undefined && status !== "CANCELLED")
    throw forbidden("A patient may cancel or reschedule, nothing else.")
  if (role === "DOCTOR" && scheduledAt !== undefined) throw forbidden("A doctor may not reschedule; the patient and the front desk may.")
}

/** Undefined when the appointment has changed meanwhile. */
async function moveStatus(pool: Pool, caller: Party, before: Appointment, status: AppointmentStatus): Promise<Appointment | undefined> {
  if (hasConsequences(status)) return await pool.begin((tx) => moveAppointment(tx, before, status, actorOf(caller)))
  requireMove(before.status, status)
  const entry = entryOf(actorOf(caller), "CHANGE", "appointment", before.id)
  return await updateStatus(pool, before.id, before.version, status, updated(before, status, before.scheduledAt), entry)
}

/** Undefined when the appointment has changed meanwhile. */
async function reschedule(
  db: Db,
  parties: Parties,
  caller: Party,
  before: Appointment,
  scheduledAt: Date,
): Promise<Appointment | undefined> {
  requireReschedulable(before.status)
  if (new Date(before.scheduledAt).getTime() <= Date.now()) throw conflict("The appointment's time has come; it cannot be rescheduled.")
  const outcome = await parties.withSchedule(db, before.doctorId, async (doctor) => {
    const slot = bookableSlot(doctor, scheduledAt.getTime(), Date.now())
    const time = {
      id: before.id,
      version: before.version,
      doctorId: doctor.doctorId,
      doctorVersion: doctor.version,
      start: new Date(slot.start),
      end: new Date(slot.end),
    }
    const after = await claimTime(db, doctor, slot, () =>
      updateTime(
        db,
        time,
        updated(before, "PENDING", instant(scheduledAt)),
        moved(before),
        entryOf(actorOf(caller), "CHANGE", "appointment", before.id),
      ),
    )
    if (after) return { after }
    // Which of the two has changed, the doctor's schedule or the appointment?
    return (await findAppointment(db, before.id))?.version === before.version ? undefined : { after: undefined }
  })
  return outcome.after
}
