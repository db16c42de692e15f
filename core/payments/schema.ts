import { z } from "zod"
import { CARD_NUMBER, cardDigits, isExpired, passesLuhn } from "../card-number.ts"
import { PaymentStatus } from "../events/catalog.ts"
import { EXAMPLES } from "../examples.ts"
import { currency, fitsCurrency, idText, instantText, MONEY_MAX, text, uuid } from "../fields.ts"
import { cursorFields, cursorPageOf } from "../pages.ts"

export { PaymentStatus }
export const PaymentMethod = z.enum(["CARD", "CASH", "INSURANCE"])
export type PaymentMethod = z.infer<typeof PaymentMethod>

/** Four digits, within what a card can say. */
const YEAR_MIN = 2000
const YEAR_MAX = 2099

const EXAMPLE_FACE = { brand: "visa", last4: "4242", expMonth: 12, expYear: 2039 }

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
  .meta({
    id: "CreatePayment",
    description:
      "For an appointment, or without one for `doctorId` and `patientId`. `card` comes with the method CARD; its number is sealed and never shown again. A security code is refused.",
    examples: [
      { appointmentId: EXAMPLES.appointmentId, amount: 150, method: "CASH" },
      {
        appointmentId: EXAMPLES.appointmentId,
        amount: 150,
        currency: "USD",
        method: "CARD",
        card: { number: "4242 4242 4242 4242", expMonth: EXAMPLE_FACE.expMonth, expYear: EXAMPLE_FACE.expYear, holder: "Pat Jones" },
      },
    ],
  })
export type CreatePayment = z.infer<typeof CreatePayment>

export const ChangePayment = z.strictObject({ status: PaymentStatus }).meta({ id: "ChangePayment", examples: [{ status: "COMPLETED" }] })
export type ChangePayment = z.infer<typeof ChangePayment>

export const ListPayments = z.object(cursorFields("payments"))
export type ListPayments = z.infer<typeof ListPayments>

/** What is shown of a card. */
export const CardFace = z
  .object({ brand: z.string(), last4: z.string(), expMonth: z.int(), expYear: z.int() })
  .meta({ id: "CardFace", examples: [EXAMPLE_FACE] })
export type CardFace = z.infer<typeof CardFace>

/** As its parties see it. */
export const PaymentView = z
  .object({
    id: idText,
    appointmentId: idText.nullable(),
    amount: z.number().positive(),
    currency: z.string(),
    status: PaymentStatus,
    method: PaymentMethod,
    card: CardFace.optional().meta({ description: "Of a payment by card." }),
    paidAt: instantText.nullable().meta({ description: "Set once, on COMPLETED." }),
    createdAt: instantText,
  })
  .meta({
    id: "Payment",
    examples: [
      {
        id: EXAMPLES.paymentId,
        appointmentId: EXAMPLES.appointmentId,
        amount: 150,
        currency: "USD",
        status: "PENDING",
        method: "CARD",
        card: EXAMPLE_FACE,
        paidAt: null,
        createdAt: EXAMPLES.madeAt,
      },
    ],
  })
export type PaymentView = z.infer<typeof PaymentView>

export const PaymentPage = cursorPageOf("PaymentPage", PaymentView)
export type PaymentPage = z.infer<typeof PaymentPage>

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
