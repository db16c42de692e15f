import { type Actor, entryOf } from "../audit/entry.ts"
import { insertEntries } from "../audit/queries.ts"
import type { Tx } from "../db.ts"
import { announce } from "../events/log.ts"
import { lockOpenPayments, updateToCalledOff } from "./queries.ts"
import { paymentUpdated } from "./view.ts"

/**
 * Gives back what was paid for an appointment that was called off, and fails what was still to be paid. The appointment's row must be
 * locked: a payment that is being made waits for it and then meets its new status, so none slips in between.
 */
export async function callOffPayments(tx: Tx, by: Actor, appointmentId: string): Promise<void> {
  const open = await lockOpenPayments(tx, appointmentId)
  if (open.length === 0) return
  await updateToCalledOff(
    tx,
    open.map((p) => p.id),
  )
  await insertEntries(
    tx,
    open.map((p) => entryOf(by, "CHANGE", "payment", p.id)),
  )
  await announce(tx, ...open.map((p) => paymentUpdated(p, p.status === "COMPLETED" ? "REFUNDED" : "FAILED")))
}
