import type { Tx } from "../db.ts"
import type { Event } from "../events/catalog.ts"
import { announce } from "../events/log.ts"
import { instant } from "../time.ts"
import { type Place, placesOf } from "./estimate.ts"
import { type LockedQueue, listQueue, listQueueOfDoctor, type QueueRow, type Told, touchQueue, updateTold } from "./queries.ts"

/** The nearest of one doctor's who are told of one change; those behind them are told as they come nearer. */
const TOLD_MAX = 100

export type Placed = { entry: QueueRow; place: Place }

/**
 * Tells the clinic how many wait, and each waiting patient of these doctors what has changed for them since they were last told. Called
 * with the queue locked and changed, so that of each clinic the events' order is that of the changes. Returns the places.
 */
export async function announceQueue(tx: Tx, queue: LockedQueue, doctorIds: readonly string[]): Promise<Placed[]> {
  const { clinicId, now } = queue
  const placed: Placed[] = []
  for (const doctorId of doctorIds) placed.push(...placesOf(await listQueueOfDoctor(tx, doctorId, now), now))
  const told = placed.filter(isNews).slice(0, TOLD_MAX)
  const counts = await touchQueue(tx, queue)
  await announce(
    tx,
    { name: "queue:update", data: { clinicId, ...counts }, about: { clinicId } },
    ...told.map((p) => position(clinicId, p)),
  )
  if (told.length > 0) await updateTold(tx, told.map(toldOf))
  return placed
}

/**
 * Tells, of a clinic's patients, those alone whom `isDue` names, where the queue stays as it is. Called with the queue locked. Returns
 * how many are told; of more than can be told at once, the others are due the next time.
 */
export async function announcePlaces(tx: Tx, { clinicId, now }: LockedQueue, isDue: (placed: Placed) => boolean): Promise<number> {
  const due = placesOf(await listQueue(tx, clinicId, now), now)
    .filter(isDue)
    .slice(0, TOLD_MAX)
  if (due.length === 0) return 0
  await announce(tx, ...due.map((p) => position(clinicId, p)))
  await updateTold(tx, due.map(toldOf))
  return due.length
}

function isNews({ entry, place }: Placed): boolean {
  return entry.hears && (entry.toldPosition !== place.position || entry.toldStart?.getTime() !== place.estimatedStart.getTime())
}

function toldOf({ entry, place }: Placed): Told {
  return { appointmentId: entry.appointmentId, ...place }
}

function position(clinicId: string, { entry, place }: Placed): Event {
  const { appointmentId, patientId } = entry
  return {
    name: "queue:position",
    data: { appointmentId, position: place.position, estimatedStart: instant(place.estimatedStart) },
    about: { patientId, clinicId },
  }
}
