import type { Party } from "../appointments/change.ts"
import { actorOf, entryOf } from "../audit/entry.ts"
import { type Doctor, type Receptionist, requireActive } from "../auth/principal.ts"
import type { Db, Pool } from "../db.ts"
import { notFound, Refusal } from "../errors.ts"
import { newEvent } from "../events/log.ts"
import { isPartyOf } from "./create.ts"
import { findPayment, updatePaymentStatus } from "./queries.ts"
import type { ChangePayment, Payment, PaymentView } from "./schema.ts"
import { requireMove } from "./state.ts"
import { paymentUpdated, viewOf } from "./view.ts"

/** A move lost to a rival is decided again on what the rival left; a payment moves at most twice in its life. */
const ATTEMPTS = 3

async function findOwn(db: Db, caller: Party, id: string): Promise<Payment> {
  if (caller.role === "RECEPTIONIST") requireActive(caller)
  const payment = await findPayment(db, id)
  if (!payment || !isPartyOf(caller, payment)) throw notFound("payment")
  return payment
}

/** The payment, if the caller is one of its parties; otherwise it is not there. */
export async function readPayment(db: Db, caller: Party, id: string): Promise<PaymentView> {
  return viewOf(await findOwn(db, caller, id))
}

/** Moves the status and announces it. Of many who make one move at once, one succeeds; the others are told what it has become. */
export async function changePayment(
  pool: Pool,
  caller: Doctor | Receptionist,
  id: string,
  { status }: ChangePayment,
): Promise<PaymentView> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const before = await findOwn(pool, caller, id)
    requireMove(before.status, status)
    const entry = entryOf(actorOf(caller), "CHANGE", "payment", id)
    const after = await updatePaymentStatus(pool, id, before.status, status, newEvent(paymentUpdated(before, status)), entry)
    if (after) return viewOf(after)
  }
  throw new Refusal("unavailable", "The payment is changing. Try again.", { retryAfterSeconds: 1 })
}
