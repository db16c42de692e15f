/** What else a change of status changes, in the same transaction. */
import type { Actor } from "../audit/entry.ts"
import type { Tx } from "../db.ts"
import { callOffPayments } from "../payments/call-off.ts"
import { followVisit, lockQueueFor } from "../queue/follow.ts"
import type { LockedQueue } from "../queue/queries.ts"
import type { Appointment, AppointmentStatus } from "./schema.ts"

/** A confirmation moves nothing but the appointment. */
export function hasConsequences(status: AppointmentStatus): boolean {
  return status !== "CONFIRMED"
}

/** What is locked before the appointment. */
export type Prepared = { queue?: LockedQueue }

/** Called before the appointment's row is locked: what other transactions lock first is locked first here as well. */
export async function prepareConsequences(tx: Tx, before: Appointment, status: AppointmentStatus): Promise<Prepared> {
  return { queue: await lockQueueFor(tx, before, status) }
}

/** Called with the appointment's row locked and its event announced. */
export async function applyConsequences(tx: Tx, by: Actor, after: Appointment, { queue }: Prepared): Promise<void> {
  if (queue) await followVisit(tx, queue, after)
  if (after.status === "REJECTED" || after.status === "CANCELLED") await callOffPayments(tx, by, after.id)
}
