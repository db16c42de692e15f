import { z } from "zod"
import { requireActive } from "../auth/principal.ts"
import type { Db } from "../db.ts"
import { Refusal } from "../errors.ts"
import { instantField, uuid } from "../fields.ts"
import type { Party } from "./change.ts"
import { listAppointments, type Scope } from "./queries.ts"
import type { Appointment, ListAppointments } from "./schema.ts"

export type AppointmentPage = { data: Appointment[]; nextCursor: string | null }

/** The caller's appointments, by time: a patient's and a doctor's own, the front desk's clinic's. */
export async function listAppointmentsOf(db: Db, caller: Party, query: ListAppointments): Promise<AppointmentPage> {
  const after = query.cursor === undefined ? undefined : parseCursor(query.cursor)
  // One more than asked for tells whether there is a next page.
  const rows = await listAppointments(db, scopeOf(caller), { ...query, after, limit: query.limit + 1 })
  const data = rows.slice(0, query.limit)
  const last = data.at(-1)
  return { data, nextCursor: rows.length > query.limit && last ? makeCursor(last) : null }
}

function scopeOf(caller: Party): Scope {
  switch (caller.role) {
    case "PATIENT":
      return { patientId: caller.patientId }
    case "DOCTOR":
      return { doctorId: caller.doctorId }
    case "RECEPTIONIST":
      return { clinicId: requireActive(caller).clinicId }
  }
}

const Cursor = z.tuple([instantField, uuid])

function makeCursor(last: Appointment): string {
  return Buffer.from(JSON.stringify([last.scheduledAt, last.id])).toString("base64url")
}

function parseCursor(cursor: string): { scheduledAt: Date; id: string } {
  try {
    const [scheduledAt, id] = Cursor.parse(JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")))
    return { scheduledAt, id }
  } catch (cause) {
    const issue = { path: "cursor", message: "is not a cursor of this list" }
    throw new Refusal("malformed", `cursor: ${issue.message}`, { issues: [issue], cause })
  }
}
