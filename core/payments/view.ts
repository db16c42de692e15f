import type { Event } from "../events/catalog.ts"
import { instant } from "../time.ts"
import { fromMinor } from "./money.ts"
import type { Payment, PaymentStatus, PaymentView } from "./schema.ts"

export function viewOf(p: Payment): PaymentView {
  return {
    id: p.id,
    appointmentId: p.appointmentId,
    amount: fromMinor(p.amountMinor, p.currency),
    currency: p.currency,
    status: p.status,
    method: p.method,
    ...(p.card ? { card: p.card } : {}),
    paidAt: p.paidAt && instant(p.paidAt),
    createdAt: instant(p.createdAt),
  }
}

/** The event that says that the payment has become `status`. */
export function paymentUpdated(p: Payment, status: PaymentStatus): Event {
  const { id: paymentId, appointmentId, doctorId, clinicId } = p
  return {
    name: "payment:update",
    data: { paymentId, appointmentId, amount: fromMinor(p.amountMinor, p.currency), status },
    about: { doctorId, clinicId },
  }
}
