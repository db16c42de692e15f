import type { Party } from "../appointments/change.ts"
import { actorOf, entryOf } from "../audit/entry.ts"
import { insertEntries } from "../audit/queries.ts"
import { requireActive } from "../auth/principal.ts"
import { cardBrand } from "../card-number.ts"
import type { Pool, Tx } from "../db.ts"
import { conflict, forbidden, invalid, notFound, Refusal } from "../errors.ts"
import { fitsCurrency } from "../fields.ts"
import { type Once, once } from "../idempotency/once.ts"
import type { Keyed } from "../idempotency/queries.ts"
import type { PaymentKeys } from "../payment-keys.ts"
import { openCard, sealCard } from "./envelope.ts"
import { toMinor } from "./money.ts"
import { findDirectPayee, findSealed, insertPayment, lockAppointmentPayee, type Payee } from "./queries.ts"
import { type Card, type CardFace, type CreatePayment, MORE_DECIMALS, type Payment, type PaymentView } from "./schema.ts"
import { viewOf } from "./view.ts"

const LAST_DIGITS = 4

/**
 * Makes a PENDING payment. 404 for an appointment, doctor or patient that is not the caller's to take money for, 409 for an appointment
 * that was called off, 422 for an amount or currency that is not the doctor's. Under a key, a retry gets the first answer.
 */
export async function createPayment(
  pool: Pool,
  keys: PaymentKeys,
  caller: Party,
  input: CreatePayment,
  keyed?: Keyed,
): Promise<Once<PaymentView>> {
  if (caller.role === "RECEPTIONIST") requireActive(caller)
  const work = (tx: Tx) => insert(tx, keys, caller, input)
  if (!keyed) return { answer: await pool.begin(work), replayed: false }
  const done = await once(pool, keyed, work)
  if (done.replayed && input.card) await requireSameCard(pool, keys, done.answer.id, input.card)
  return done
}

/**
 * What a body is compared by when its key comes again: all but the card's number and holder. A digest of those would give them away,
 * for there are few numbers to try; a replay compares them with what was sealed.
 */
export function comparable({ card, ...rest }: CreatePayment): unknown {
  return { ...rest, card: card && faceOf(card) }
}

async function requireSameCard(pool: Pool, keys: PaymentKeys, id: string, { number, holder }: Card): Promise<void> {
  const sealed = await findSealed(pool, id)
  const first = sealed && openCard(keys, id, sealed)
  if (!first) throw new Refusal("unavailable", "The card of the first call cannot be read by this process now.")
  if (first.number !== number || first.holder !== holder) throw invalid("Idempotency-Key", "was used with another body")
}

async function insert(tx: Tx, keys: PaymentKeys, caller: Party, input: CreatePayment): Promise<PaymentView> {
  const payee = input.appointmentId ? await payeeOfAppointment(tx, caller, input.appointmentId) : await directPayee(tx, caller, input)
  const { doctorId, patientId, clinicId, currency } = payee
  if (input.currency && input.currency !== currency) throw invalid("currency", `must be the doctor's, which is ${currency}`)
  if (!fitsCurrency(input.amount, currency)) throw invalid("amount", MORE_DECIMALS)
  const payment: Payment = {
    id: Bun.randomUUIDv7(),
    appointmentId: input.appointmentId ?? null,
    doctorId,
    patientId,
    clinicId,
    amountMinor: toMinor(input.amount, currency),
    currency,
    status: "PENDING",
    method: input.method,
    card: input.card ? faceOf(input.card) : null,
    paidAt: null,
    createdAt: new Date(),
  }
  const sealed = input.card && sealCard(keys, payment.id, { number: input.card.number, holder: input.card.holder })
  await insertPayment(tx, payment, sealed ?? undefined)
  await insertEntries(tx, [entryOf(actorOf(caller), "CREATE", "payment", payment.id)])
  return viewOf(payment)
}

function faceOf({ number, expMonth, expYear }: Card): CardFace {
  return { brand: cardBrand(number), last4: number.slice(-LAST_DIGITS), expMonth, expYear }
}

async function payeeOfAppointment(tx: Tx, caller: Party, appointmentId: string): Promise<Payee> {
  const payee = await lockAppointmentPayee(tx, appointmentId)
  if (!payee || !isPartyOf(caller, payee)) throw notFound("appointment")
  if (payee.status === "REJECTED" || payee.status === "CANCELLED")
    throw conflict(`The appointment is ${payee.status}: nothing is to be paid.`)
  return payee
}

/** Whether the caller is a party of what has this patient, doctor and clinic. */
export function isPartyOf(caller: Party, { patientId, doctorId, clinicId }: Pick<Payee, "patientId" | "doctorId" | "clinicId">): boolean {
  switch (caller.role) {
    case "PATIENT":
      return patientId === caller.patientId
    case "DOCTOR":
      return doctorId === caller.doctorId
    case "RECEPTIONIST":
      return clinicId === requireActive(caller).clinicId
  }
}

/** A patient may pay any doctor, for themselves; staff take money from patients they know: who has a visit, or was made at the desk. */
async function directPayee(tx: Tx, caller: Party, { doctorId, patientId }: CreatePayment): Promise<Payee> {
  if (caller.role === "PATIENT" && patientId !== caller.patientId) throw forbidden("A patient pays for themselves only.")
  if (caller.role === "DOCTOR" && doctorId !== caller.doctorId) throw forbidden("A doctor takes payments for themselves only.")
  const payee = await findDirectPayee(tx, doctorId as string, patientId as string)
  if (!payee || !isPartyOf(caller, payee)) throw notFound("doctor or patient")
  if (caller.role === "DOCTOR" && !payee.knownToDoctor) throw notFound("doctor or patient")
  if (caller.role === "RECEPTIONIST" && !payee.knownToClinic) throw notFound("doctor or patient")
  return payee
}
