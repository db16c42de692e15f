import { z } from "zod"
import { PaymentStatus } from "../events/catalog.ts"
import { currency, fitsCurrency, MONEY_MAX, text, uuid } from "../fields.ts"
import { CARD_NUMBER, cardDigits, isExpired, passesLuhn } from "./card.ts"

export { PaymentStatus }
export const PaymentMethod = z.enum(["CARD", "CASH", "INSURANCE"])
export type PaymentMethod = z.infer<typeof PaymentMethod>

/** Four digits, within what a card can say. */
const YEAR_MIN = 2000
const YEAR_MAX = 2099

/** There is no field for a security code: one that is sent is refused like anything unknown, and kept nowhere. */
const Card = z
  .strictObject({
    /** 13 to 19 digits; blanks and dashes may stand between them. */
    number: z
      .string()
      .regex(CARD_NUMBER, "must have 13 to 19 digits")
      .transform(cardDigits)
      .refine(passesLuhn, "is not the number of a card: a digit is wrong"),
    expMonth: z.int().min(1).max(12),
    expYear: z.int().min(YEAR_MIN).max(YEAR_MAX),
    holder: text,
  })
  .refine((card) => !isExpired(card.expMonth, card.expYear, Date.now()), { path: ["expMonth"], message: "the card has expired" })
export type Card = z.infer<typeof Card>

export const MORE_DECIMALS = "has more decimals than its currency"

/** For an appointment, or for a doctor and a patient. */
export const CreatePayment = z
  .strictObject({
    appointmentId: uuid.nullish(),
    doctorId: uuid.nullish(),
    patientId: uuid.nullish(),
    amount: z.number().positive().max(MONEY_MAX),
    /** Must be the doctor's, and is if left out. */
    currency: currency.optional(),
    method: PaymentMethod,
    card: Card.nullish(),
  })
  .superRefine((p, ctx) => {
    const complain = (path: string, message: string) => ctx.addIssue({ code: "custom", path: [path], message })
    for (const field of ["doctorId", "patientId"] as const) {
      if (p.appointmentId && p[field]) complain(field, "must not be given with appointmentId: the appointment says")
      if (!p.appointmentId && !p[field]) complain(field, "is required without appointmentId")
    }
    if (p.currency && !fitsCurrency(p.amount, p.currency)) complain("amount", MORE_DECIMALS)
    if (p.method === "CARD" && !p.card) complain("card", "is required with the method CARD")
    if (p.method !== "CARD" && p.card) complain("card", "is given with the method CARD only")
  })
export type CreatePayment = z.infer<typeof CreatePayment>

export const ChangePayment = z.strictObject({ status: PaymentStatus })
export type ChangePayment = z.infer<typeof ChangePayment>

const LIST_MAX = 100
const LIST_DEFAULT = 20

export const ListPayments = z.object({
  cursor: z.string().max(200).optional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.int().min(1).max(LIST_MAX))
    .default(LIST_DEFAULT),
})
export type ListPayments = z.infer<typeof ListPayments>

/** What is shown of a card. */
export type CardFace = { brand: string; last4: string; expMonth: number; expYear: number }

/** As its parties see it. */
export type PaymentView = {
  id: string
  appointmentId: string | null
  amount: number
  currency: string
  status: PaymentStatus
  method: PaymentMethod
  /** Of a payment by card. */
  card?: CardFace
  paidAt: string | null
  createdAt: string
}

/** A payment and whose it is. */
export type Payment = {
  id: string
  appointmentId: string | null
  doctorId: string
  patientId: string
  clinicId: string
  amountMinor: number
  currency: string
  status: PaymentStatus
  method: PaymentMethod
  card: CardFace | null
  paidAt: Date | null
  createdAt: Date
}
