import { z } from "zod"
import type { Party } from "../appointments/change.ts"
import { requireActive } from "../auth/principal.ts"
import type { Db } from "../db.ts"
import { Refusal } from "../errors.ts"
import { listPayments, type Scope } from "./queries.ts"
import type { ListPayments, Payment, PaymentView } from "./schema.ts"
import { viewOf } from "./view.ts"

export type PaymentPage = { data: PaymentView[]; nextCursor: string | null }

/** The caller's payments, newest first: a patient's and a doctor's own, the front desk's clinic's. */
export async function listPaymentsOf(db: Db, caller: Party, { cursor, limit }: ListPayments): Promise<PaymentPage> {
  const before = cursor === undefined ? undefined : parseCursor(cursor)
  // One more than asked for tells whether there is a next page.
  const rows = await listPayments(db, scopeOf(caller), { before, limit: limit + 1 })
  const data = rows.slice(0, limit)
  const last = data.at(-1)
  return { data: data.map(viewOf), nextCursor: rows.length > limit && last ? makeCursor(last) : null }
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

const Cursor = z.tuple([z.iso.datetime(), z.uuid()])

function makeCursor({ createdAt, id }: Payment): string {
  return Buffer.from(JSON.stringify([createdAt, id])).toString("base64url")
}

function parseCursor(cursor: string): { createdAt: Date; id: string } {
  try {
    const [createdAt, id] = Cursor.parse(JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")))
    return { createdAt: new Date(createdAt), id }
  } catch (cause) {
    const issue = { path: "cursor", message: "is not a cursor of this list" }
    throw new Refusal("malformed", `cursor: ${issue.message}`, { issues: [issue], cause })
  }
}
