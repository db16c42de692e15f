import { moveAppointment } from "../appointments/move.ts"
import { findAppointment } from "../appointments/queries.ts"
import type { Appointment } from "../appointments/schema.ts"
import { actorOf } from "../audit/entry.ts"
import type { Doctor, Receptionist } from "../auth/principal.ts"
import type { Tx } from "../db.ts"
import { findSchedule } from "../doctors/schedule/queries.ts"
import { conflict, forbidden, notFound } from "../errors.ts"
import { findFirstWaiting, lockQueue } from "./queries.ts"
import { clinicOf } from "./read.ts"
import type { CallNext } from "./schema.ts"

/** The doctor's first waiting patient goes in. However many call at once, each gets another patient, in order. */
export async function callNext(tx: Tx, caller: Doctor | Receptionist, { doctorId }: CallNext): Promise<Appointment> {
  const clinicId = clinicOf(caller)
  if ((await findSchedule(tx, doctorId))?.clinicId !== clinicId) throw notFound("doctor")
  if (caller.role === "DOCTOR" && caller.doctorId !== doctorId) throw forbidden("A doctor calls their own patients only.")
  const queue = await lockQueue(tx, clinicId)
  const id = await findFirstWaiting(tx, doctorId, queue.now)
  const first = id && (await findAppointment(tx, id))
  if (!first) throw conflict("Nobody is waiting for this doctor.")
  const called = await moveAppointment(tx, first, "IN_PROGRESS", actorOf(caller))
  if (!called) throw new Error("a waiting visit was moved by someone who did not hold its queue")
  return called
}
