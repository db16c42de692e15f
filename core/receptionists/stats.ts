import type { AppointmentStatus } from "../appointments/schema.ts"
import { type Receptionist, requireActive } from "../auth/principal.ts"
import type { Db } from "../db.ts"
import type { BookedVisit, DayBook } from "./day-book.ts"
import type { DeskStats } from "./schema.ts"

/** DeskStats whose appointments stand ready as JSON. */
export type DeskDay = Omit<DeskStats, "appointments"> & { appointments: readonly BookedVisit[] }

/** Today at the caller's clinic, in its zone. */
export async function deskStats(db: Db, days: DayBook, caller: Receptionist, now: number): Promise<DeskDay> {
  const { clinicId } = requireActive(caller)
  const { date, appointments } = await days.today(db, clinicId, now)
  return { date, clinicId, ...statsOf(countByStatus(appointments)), appointments }
}

type Counts = Partial<Record<AppointmentStatus, number>>

function countByStatus(appointments: readonly BookedVisit[]): Counts {
  const counts: Counts = {}
  for (const { status } of appointments) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

function statsOf({ REJECTED: _, ...counts }: Counts) {
  return {
    totalBooked: Object.values(counts).reduce((sum, count) => sum + count, 0),
    completed: counts.COMPLETED ?? 0,
    waiting: counts.WAITING ?? 0,
    inProgress: counts.IN_PROGRESS ?? 0,
    cancelled: counts.CANCELLED ?? 0,
    noShow: counts.NO_SHOW ?? 0,
  }
}
