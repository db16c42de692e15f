import { Hono } from "hono"
import { changePayment, readPayment } from "../core/payments/change.ts"
import { comparable, createPayment } from "../core/payments/create.ts"
import { listPaymentsOf } from "../core/payments/list.ts"
import { ChangePayment, CreatePayment, ListPayments, PaymentPage, PaymentView } from "../core/payments/schema.ts"
import { operation } from "./description/describe.ts"
import type { Deps, Env } from "./env.ts"
import { answered, keyOf } from "./once.ts"
import { body, pathId, query } from "./validate.ts"

export const payments = ({ pool, config, guards }: Deps) => {
  const party = guards.only("PATIENT", "DOCTOR", "RECEPTIONIST")
  return new Hono<Env>()
    .post(
      "/",
      operation({
        id: "createPayment",
        tag: "Payments",
        summary: "Record a payment that is to come",
        answers: { 201: { schema: PaymentView, description: "The payment, PENDING. Nobody hears of it before its status changes." } },
        problems: { 404: "There is no such appointment, doctor or patient." },
      }),
      party,
      body(CreatePayment),
      async (c) => {
        const input = c.req.valid("json")
        return answered(c, await createPayment(pool, config.paymentKeys, c.get("principal"), input, keyOf(c, comparable(input))))
      },
    )
    .get(
      "/",
      operation({
        id: "listPayments",
        tag: "Payments",
        summary: "List the caller's payments, newest first",
        answers: { 200: { schema: PaymentPage, description: "A page of payments." } },
      }),
      party,
      query(ListPayments),
      async (c) => c.json(await listPaymentsOf(pool, c.get("principal"), c.req.valid("query"))),
    )
    .get(
      "/:id",
      operation({
        id: "readPayment",
        tag: "Payments",
        summary: "Read a payment",
        answers: { 200: { schema: PaymentView, description: "The payment." } },
      }),
      party,
      pathId("payment"),
      async (c) => c.json(await readPayment(pool, c.get("principal"), c.req.valid("param").id)),
    )
    .put(
      "/:id/status",
      operation({
        id: "changePayment",
        tag: "Payments",
        summary: "Complete, fail or refund a payment",
        description: "PENDING → COMPLETED or FAILED; COMPLETED → REFUNDED. The doctor and the desk hear `payment:update`.",
        answers: { 200: { schema: PaymentView, description: "The payment as it is now." } },
        problems: { 409: "The move is not allowed." },
      }),
      guards.only("DOCTOR", "RECEPTIONIST"),
      pathId("payment"),
      body(ChangePayment),
      async (c) => c.json(await changePayment(pool, c.get("principal"), c.req.valid("param").id, c.req.valid("json"))),
    )
}
