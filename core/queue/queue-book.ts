/** The queue of each clinic, remembered: between two changes every board reads the same. Positions and estimates are computed each time. */
import { LRUCache } from "lru-cache"
import type { Db } from "../db.ts"
import { notFound } from "../errors.ts"
import { CHANGED_MAX, isSettled, type MarkedRows, refreshed } from "../marked-rows.ts"
import { instant } from "../time.ts"
import type { Estimated } from "./estimate.ts"
import { findQueueState, listEntries, type QueueState } from "./queries.ts"
import type { StartedEntry } from "./schema.ts"

/** Some 60 kB each. */
const CLINICS_MAX = 200
/** A queue that changes while it is read is read again; one that changes faster than this is answered as it was found. */
const ATTEMPTS = 3

/** `text`: the members of the entry that stay as they are while its row does, as JSON without braces. */
export type QueuedVisit = Pick<Estimated, "doctorId" | "startedAt"> & {
  id: string
  patientId: string
  marked: string
  isPresent: boolean
  priority: number
  place: number
  text: string
}

export class QueueBook {
  readonly #queues = new LRUCache<string, MarkedRows<QueuedVisit>>({ max: CLINICS_MAX })

  /** Who is at the clinic, in the order in which each doctor's are called, all as of one moment. */
  async read(db: Db, clinicId: string): Promise<{ state: QueueState; visits: readonly QueuedVisit[] }> {
    for (let attempt = 1; ; attempt++) {
      const before = this.#queues.get(clinicId)
      const state = await findQueueState(db, clinicId, before?.horizon ?? null, CHANGED_MAX)
      if (!state) throw notFound("clinic")
      const queue = await refreshed(before, state, (ids) => readEntries(db, ids), byTurn)
      this.#queues.set(clinicId, queue)
      if (isSettled(queue) || attempt === ATTEMPTS) return { state, visits: queue.rows.filter(({ isPresent }) => isPresent) }
    }
  }
}

async function readEntries(db: Db, ids: string[]): Promise<QueuedVisit[]> {
  const rows = await listEntries(db, ids)
  return rows.map(({ patientName, scheduledAt, checkedInAt, ...visit }) => {
    const { id: appointmentId, doctorId, priority } = visit
    const told = { appointmentId, patientName, doctorId, scheduledAt: instant(scheduledAt), checkedInAt: instant(checkedInAt), priority }
    return { ...visit, text: JSON.stringify(told satisfies Omit<StartedEntry, "startedAt">).slice(1, -1) }
  })
}

const byTurn = (a: QueuedVisit, b: QueuedVisit) => b.priority - a.priority || a.place - b.place
