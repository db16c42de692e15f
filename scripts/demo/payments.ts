/** What the demo doctor's patients have paid: so that a dashboard has something to show. */

import { cardBrand } from "../../core/card-number.ts"
import type { Tx } from "../../core/db.ts"
import type { PaymentKeys } from "../../core/payment-keys.ts"
import { sealCard } from "../../core/payments/envelope.ts"
import type { Appointment, Patient } from "./desk.ts"
import type { Doctor } from "./doctors.ts"
import { between, chance, pick, type Random, randomOf, uuidAt } from "./random.ts"

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** Of a hundred completed visits: paid, still to be paid, and the rest paid by a card that was refused. */
const PAID_PERCENT = 90
const PENDING_PERCENT = 6
const REFUNDED_PERCENT = 4
/** Of a hundred cancelled visits those that had been paid for, which is given back with the cancellation. */
const PREPAID_PERCENT = 30
const METHODS = [...Array(6).fill("CARD"), ...Array(3).fill("CASH"), "INSURANCE"] as ("CARD" | "CASH" | "INSURANCE")[]
/** What comes on top of the fee, such as a test: mostly nothing. */
const EXTRAS = [0, 0, 0, 0, 25, 60, 95]
/** Numbers that the networks publish for tests. */
const CARDS = ["4242424242424242", "5555555555554444", "378282246310005"]

type Status = "PENDING" | "COMPLETED" | "FAILED" | "REFUNDED"
/** When it was made, paid and given back. */
type Course = { status: Status; madeMs: number; paidMs?: number; refundedMs?: number }

/** One for most visits that are over. Without keys nobody pays by card, for there is nothing to seal it with. */
export async function loadPayments(
  tx: Tx,
  seed: number,
  { doctor, visits, patients, keys, now }: { doctor: Doctor; visits: Appointment[]; patients: Patient[]; keys?: PaymentKeys; now: Date },
): Promise<void> {
  const random = randomOf(seed, "payments")
  const names = new Map(patients.map(({ id, name }) => [id, name]))
  const rows = visits.flatMap((visit) => {
    const course = courseOf(random, visit, now.getTime())
    const [method, number, extra] = [pick(random, METHODS), pick(random, CARDS), pick(random, EXTRAS)]
    const expYear = now.getUTCFullYear() + between(random, 1, 4)
    if (!course) return []
    const id = uuidAt(random, course.madeMs)
    return {
      id,
      appointment_id: visit.id,
      doctor_id: doctor.id,
      patient_id: visit.patientId,
      amount: doctor.fee + extra,
      currency: doctor.currency,
      status: course.status,
      method: method === "CARD" && !keys ? "CASH" : method,
      ...(method === "CARD" && keys ? cardOf(keys, id, { number, expYear, holder: names.get(visit.patientId) ?? "" }) : NO_CARD),
      paid_at: dateOf(course.paidMs),
      refunded_at: dateOf(course.refundedMs),
      created_at: new Date(course.madeMs),
      updated_at: new Date(course.refundedMs ?? course.paidMs ?? course.madeMs),
    }
  })
  if (rows.length > 0) await tx`insert into payments ${tx(rows)}`
  // A worker that runs already hears of no demo: its sweep finds this.
  await tx`insert into rollups_due (doctor_id, every_day) values (${doctor.id}, true)`
}

const dateOf = (ms: number | undefined) => (ms === undefined ? null : new Date(ms))

const NO_CARD = {
  card_brand: null,
  card_last4: null,
  card_exp_month: null,
  card_exp_year: null,
  card_sealed: null,
  card_key_id: null,
}

function cardOf(keys: PaymentKeys, id: string, { number, expYear, holder }: { number: string; expYear: number; holder: string }) {
  const { keyId, sealed } = sealCard(keys, id, { number, holder })
  const face = { card_brand: cardBrand(number), card_last4: number.slice(-4), card_exp_month: 12, card_exp_year: expYear }
  return { ...face, card_sealed: sealed, card_key_id: keyId }
}

/** Paid at the desk after the visit, or before it and given back when it was cancelled; nothing lies in the future. */
function courseOf(random: Random, visit: Appointment, nowMs: number): Course | undefined {
  const percent = between(random, 1, 100)
  const minutes = between(random, 1, 15)
  const refundDays = between(random, 1, 5)
  const refunded = chance(random, REFUNDED_PERCENT / 100)
  if (visit.status === "CANCELLED" && percent <= PREPAID_PERCENT) return prepaid(visit, minutes)
  if (visit.status !== "COMPLETED") return undefined
  const madeMs = Math.min(visit.end.getTime() + minutes * MINUTE_MS, nowMs)
  if (percent > PAID_PERCENT + PENDING_PERCENT) return { status: "FAILED", madeMs }
  if (percent > PAID_PERCENT) return { status: "PENDING", madeMs }
  const paidMs = Math.min(madeMs + MINUTE_MS, nowMs)
  const refundedMs = paidMs + refundDays * DAY_MS
  return refunded && refundedMs <= nowMs ? { status: "REFUNDED", madeMs, paidMs, refundedMs } : { status: "COMPLETED", madeMs, paidMs }
}

/** Cancelled visits were booked in time and cancelled between then and their hour. */
function prepaid(visit: Appointment, minutes: number): Course {
  const madeMs = visit.createdAt.getTime() + minutes * MINUTE_MS
  const refundedMs = Math.max(madeMs + MINUTE_MS, (madeMs + visit.start.getTime()) / 2)
  return { status: "REFUNDED", madeMs, paidMs: madeMs, refundedMs: Math.round(refundedMs) }
}
