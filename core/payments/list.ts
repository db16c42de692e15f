import type { Party } from "../appointments/change.ts"
import { scopeOf } from "../auth/principal.ts"
import { makeCursor, parseCursor } from "../cursor.ts"
import type { Db } from "../db.ts"
import { listPayments } from "./queries.ts"
import type { ListPayments, PaymentPage } from "./schema.ts"
import { viewOf } from "./view.ts"

/** The caller's payments, newest first: a patient's and a doctor's own, the front desk's clinic's. */
export async function listPaymentsOf(db: Db, caller: Party, { cursor, limit }: ListPayments): Promise<PaymentPage> {
  const before = cursor === undefined ? undefined : placeOf(cursor)
  // One more than asked for tells whether there is a next page.
  const rows = await listPayments(db, scopeOf(caller), { before, limit: limit + 1 })
  const data = rows.slice(0, limit)
  const last = data.at(-1)
  return { data: data.map(viewOf), nextCursor: rows.length > limit && last ? makeCursor("payments", last.createdAt, last.id) : null }
}

function placeOf(cursor: string): { createdAt: Date; id: string } {
  const { at, id } = parseCursor("payments", cursor)
  return { createdAt: at, id }
}
