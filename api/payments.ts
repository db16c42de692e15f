import { Hono } from "hono"
import { changePayment, readPayment } from "../core/payments/change.ts"
import { comparable, createPayment } from "../core/payments/create.ts"
import { listPaymentsOf } from "../core/payments/list.ts"
import { ChangePayment, CreatePayment, ListPayments } from "../core/payments/schema.ts"
import type { Deps, Env } from "./env.ts"
import { answered, keyOf } from "./once.ts"
import { body, idOf, query } from "./validate.ts"

export const payments = ({ pool, config, guards }: Deps) => {
  const party = guards.only("PATIENT", "DOCTOR", "RECEPTIONIST")
  return new Hono<Env>()
    .post("/", party, body(CreatePayment), async (c) => {
      const input = c.req.valid("json")
      return answered(c, await createPayment(pool, config.paymentKeys, c.var.principal, input, keyOf(c, comparable(input))))
    })
    .get("/", party, query(ListPayments), async (c) => c.json(await listPaymentsOf(pool, c.var.principal, c.req.valid("query"))))
    .get("/:id", party, async (c) => c.json(await readPayment(pool, c.var.principal, idOf(c.req.param("id"), "payment"))))
    .put("/:id/status", guards.only("DOCTOR", "RECEPTIONIST"), body(ChangePayment), async (c) =>
      c.json(await changePayment(pool, c.var.principal, idOf(c.req.param("id"), "payment"), c.req.valid("json"))),
    )
}
