import { type Doctor, type Receptionist, requireActive } from "../auth/principal.ts"
import type { Db } from "../db.ts"
import { notFound } from "../errors.ts"
import { instant } from "../time.ts"
import { type Place, placesOf } from "./estimate.ts"
import type { QueueRow, QueueState } from "./queries.ts"
import type { QueueBook, QueuedVisit } from "./queue-book.ts"
import type { Queue, QueueQuery, WaitingEntry } from "./schema.ts"

/** An entry that stands ready as JSON. */
export type ReadyEntry = { appointmentId: string; text: string }
export type ReadyQueue = Omit<Queue, "inProgress" | "waiting"> & { inProgress: ReadyEntry[]; waiting: ReadyEntry[] }

/** The queue of the caller's clinic; another clinic's is not there. */
export async function readQueue(db: Db, queues: QueueBook, caller: Doctor | Receptionist, query: QueueQuery): Promise<ReadyQueue> {
  const clinicId = clinicOf(caller)
  if (query.clinicId !== undefined && query.clinicId !== clinicId) throw notFound("clinic")
  const { state, visits } = await queues.read(db, clinicId)
  return {
    clinicId,
    updatedAt: instant(state.updatedAt),
    inProgress: visits.flatMap(({ id, text, startedAt }) =>
      startedAt ? { appointmentId: id, text: `{${text},"startedAt":"${instant(startedAt)}"}` } : [],
    ),
    waiting: placesOf(
      visits.map((visit) => estimated(visit, state)),
      state.now,
    ).map(({ entry: { visit }, place }) => ({
      appointmentId: visit.id,
      text: `{"position":${place.position},${visit.text},"estimatedStart":"${instant(place.estimatedStart)}"}`,
    })),
  }
}

function estimated(visit: QueuedVisit, { paces }: QueueState) {
  const { doctorId, startedAt } = visit
  const pace = paces[doctorId]
  if (!pace) throw new Error("a clinic's queue has a visit of a doctor who is not there")
  return { doctorId, startedAt, slotMinutes: pace.slotMinutes, typicalMs: pace.typicalMs, visit }
}

/** Whose queue the caller may see and call from. */
export function clinicOf(caller: Doctor | Receptionist): string {
  return caller.role === "RECEPTIONIST" ? requireActive(caller).clinicId : caller.clinicId
}

export function waitingEntry(row: QueueRow, { position, estimatedStart }: Place): WaitingEntry {
  const { appointmentId, patientName, doctorId, scheduledAt, checkedInAt, priority } = row
  const told = { appointmentId, patientName, doctorId, scheduledAt: instant(scheduledAt), checkedInAt: instant(checkedInAt), priority }
  return { position, ...told, estimatedStart: instant(estimatedStart) }
}
