import { findAppointment } from "../appointments/queries.ts"
import { actorOf, entryOf } from "../audit/entry.ts"
import { insertEntries } from "../audit/queries.ts"
import type { Doctor, Receptionist } from "../auth/principal.ts"
import { one, type Pool } from "../db.ts"
import { conflict, forbidden, notFound } from "../errors.ts"
import { announceQueue } from "./announce.ts"
import { reordered } from "./order.ts"
import { listQueueOfDoctor, lockQueue, updateOrder } from "./queries.ts"
import { clinicOf, waitingEntry } from "./read.ts"
import type { ReorderEntry, WaitingEntry } from "./schema.ts"

/** Moves a waiting patient within their doctor's list. Returns where they are now. */
export async function reorderEntry(pool: Pool, caller: Doctor | Receptionist, id: string, change: ReorderEntry): Promise<WaitingEntry> {
  const clinicId = clinicOf(caller)
  return await pool.begin(async (tx) => {
    const appointment = await findAppointment(tx, id)
    if (appointment?.clinicId !== clinicId) throw notFound("appointment")
    const { doctorId } = appointment
    const isForeign = caller.role === "DOCTOR" && caller.doctorId !== doctorId
    const queue = await lockQueue(tx, clinicId)
    const waiting = (await listQueueOfDoctor(tx, doctorId, queue.now)).filter((row) => row.startedAt === null)
    const entry = waiting.find((row) => row.appointmentId === appointment.id)
    // A colleague's visit is in the queue for all the clinic's doctors to see, and out of it not there for them.
    if (isForeign) throw entry ? forbidden("A doctor reorders their own patients only.") : notFound("appointment")
    if (!entry) throw conflict("This patient is not waiting.")
    await updateOrder(tx, reordered(waiting, entry, change))
    await insertEntries(tx, [entryOf(actorOf(caller), "CHANGE", "queue", id)])
    const placed = await announceQueue(tx, queue, [doctorId])
    const moved = one(placed.filter((p) => p.entry.appointmentId === appointment.id))
    return waitingEntry(moved.entry, moved.place)
  })
}
