/** The queue follows the visits, in the transaction of their change. */
import type { Appointment, AppointmentStatus } from "../appointments/schema.ts"
import type { Tx } from "../db.ts"
import { announceQueue } from "./announce.ts"
import { lapseOf } from "./lapse.ts"
import { deleteEntry, finishEntry, insertEntry, type LockedQueue, lockQueue, updateEntryStarted, updatePace } from "./queries.ts"

const PRESENT: readonly AppointmentStatus[] = ["WAITING", "IN_PROGRESS"]

/**
 * Locks the clinic's queue if the move has to do with it; to be called before the appointment is locked. All who lock both lock them
 * in this order, so none waits for another in a circle.
 */
export async function lockQueueFor(tx: Tx, before: Appointment, status: AppointmentStatus): Promise<LockedQueue | undefined> {
  return PRESENT.includes(before.status) || PRESENT.includes(status) ? await lockQueue(tx, before.clinicId) : undefined
}

/** Puts the patient in the queue, to the doctor or out of it, as the appointment now says, and announces the queue. */
export async function followVisit(tx: Tx, queue: LockedQueue, { id, doctorId, status }: Appointment): Promise<void> {
  if (status === "WAITING") await insertEntry(tx, entry(queue, id, doctorId, null))
  else if (status === "IN_PROGRESS") await startVisit(tx, queue, id, doctorId)
  else if (status === "COMPLETED") await endVisit(tx, queue, id, doctorId)
  else await deleteEntry(tx, id)
  await announceQueue(tx, queue, [doctorId])
}

/** Somebody whose day in the queue is over may still be seen. */
async function startVisit(tx: Tx, queue: LockedQueue, id: string, doctorId: string): Promise<void> {
  const { lapsesAt } = entry(queue, id, doctorId, queue.now)
  if (await updateEntryStarted(tx, id, queue.now, lapsesAt)) return
  await insertEntry(tx, entry(queue, id, doctorId, queue.now))
}

async function endVisit(tx: Tx, queue: LockedQueue, id: string, doctorId: string): Promise<void> {
  await finishEntry(tx, id, queue.now)
  await updatePace(tx, doctorId)
}

function entry({ clinicId, timezone, now }: LockedQueue, appointmentId: string, doctorId: string, startedAt: Date | null) {
  return { appointmentId, clinicId, doctorId, checkedInAt: now, startedAt, lapsesAt: lapseOf(now, timezone) }
}
