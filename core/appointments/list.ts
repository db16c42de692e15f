import { scopeOf } from "../auth/principal.ts"
import { makeCursor, parseCursor } from "../cursor.ts"
import type { Db } from "../db.ts"
import type { Party } from "./change.ts"
import { listAppointments } from "./queries.ts"
import type { AppointmentPage, ListAppointments } from "./schema.ts"

/** The caller's appointments, by time: a patient's and a doctor's own, the front desk's clinic's. */
export async function listAppointmentsOf(db: Db, caller: Party, query: ListAppointments): Promise<AppointmentPage> {
  const after = query.cursor === undefined ? undefined : placeOf(query.cursor)
  // One more than asked for tells whether there is a next page.
  const rows = await listAppointments(db, scopeOf(caller), { ...query, after, limit: query.limit + 1 })
  const data = rows.slice(0, query.limit)
  const last = data.at(-1)
  return { data, nextCursor: rows.length > query.limit && last ? makeCursor("appointments", last.scheduledAt, last.id) : null }
}

function placeOf(cursor: string): { scheduledAt: Date; id: string } {
  const { at, id } = parseCursor("appointments", cursor)
  return { scheduledAt: at, id }
}
