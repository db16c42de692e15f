import { type Doctor, type Receptionist, requireActive } from "../auth/principal.ts"
import type { Db } from "../db.ts"
import { notFound } from "../errors.ts"
import { instant } from "../time.ts"
import { type Place, placesOf } from "./estimate.ts"
import { findQueueState, listQueue, type QueueRow } from "./queries.ts"
import type { Queue, QueueQuery, StartedEntry, WaitingEntry } from "./schema.ts"

/** The queue of the caller's clinic; another clinic's is not there. */
export async function readQueue(db: Db, caller: Doctor | Receptionist, query: QueueQuery): Promise<Queue> {
  const clinicId = clinicOf(caller)
  const state = query.clinicId === undefined || query.clinicId === clinicId ? await findQueueState(db, clinicId) : undefined
  if (!state) throw notFound("clinic")
  const rows = await listQueue(db, clinicId, state.now)
  const started = rows.filter((row): row is QueueRow & { startedAt: Date } => row.startedAt !== null)
  return {
    clinicId,
    updatedAt: instant(state.updatedAt),
    inProgress: started.map(startedEntry),
    waiting: placesOf(rows, state.now).map(({ entry, place }) => waitingEntry(entry, place)),
  }
}

/** Whose queue the caller may see and call from. */
export function clinicOf(caller: Doctor | Receptionist): string {
  return caller.role === "RECEPTIONIST" ? requireActive(caller).clinicId : caller.clinicId
}

export function waitingEntry(row: QueueRow, { position, estimatedStart }: Place): WaitingEntry {
  return { position, ...entry(row), estimatedStart: instant(estimatedStart) }
}

function startedEntry(row: QueueRow & { startedAt: Date }): StartedEntry {
  return { ...entry(row), startedAt: instant(row.startedAt) }
}

function entry({ appointmentId, patientName, doctorId, scheduledAt, checkedInAt, priority }: QueueRow) {
  return { appointmentId, patientName, doctorId, scheduledAt: instant(scheduledAt), checkedInAt: instant(checkedInAt), priority }
}
