import type { Tx } from "../db.ts"
import type { Event } from "../events/catalog.ts"
import { announce } from "../events/log.ts"
import { instant } from "../time.ts"
import { type Place, placesOf } from "./estimate.ts"
import { type LockedQueue, listQueueOfDoctor, type QueueRow, touchQueue, updateTold } from "./queries.ts"

/** The nearest of one doctor's who are told of one change; those behind them are told as they come nearer. */
const TOLD_MAX = 100

type Placed = { entry: QueueRow; place: Place }

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
  if (told.length > 0)
    await updateTold(
      tx,
      told.map(({ entry, place }) => ({ appointmentId: entry.appointmentId, ...place })),
    )
  return placed
}

function isNews({ entry, place }: Placed): boolean {
  return entry.hears && (entry.toldPosition !== place.position || entry.toldStart?.getTime() !== place.estimatedStart.getTime())
}

function position(clinicId: string, { entry, place }: Placed): Event {
  const { appointmentId, patientId } = entry
  return {
    name: "queue:position",
    data: { appointmentId, position: place.position, estimatedStart: instant(place.estimatedStart) },
    about: { patientId, clinicId },
  }
}
