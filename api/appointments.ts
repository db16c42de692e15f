import { Hono } from "hono"
import { bookAppointment } from "../core/appointments/book.ts"
import { changeAppointment, readAppointment } from "../core/appointments/change.ts"
import { listAppointmentsOf } from "../core/appointments/list.ts"
import { BookAppointment, ChangeAppointment, ListAppointments } from "../core/appointments/schema.ts"
import type { Deps, Env } from "./env.ts"
import { answered, keyOf } from "./once.ts"
import { body, idOf, query } from "./validate.ts"

export const appointments = ({ pool, desk, guards }: Deps) => {
  const party = guards.only("PATIENT", "DOCTOR", "RECEPTIONIST")
  return new Hono<Env>()
    .post("/", guards.only("PATIENT", "RECEPTIONIST"), body(BookAppointment), async (c) =>
      answered(c, await bookAppointment(pool, desk, c.var.principal, c.req.valid("json"), keyOf(c, c.req.valid("json")))),
    )
    .get("/", party, query(ListAppointments), async (c) => c.json(await listAppointmentsOf(pool, c.var.principal, c.req.valid("query"))))
    .get("/:id", party, async (c) => c.json(await readAppointment(pool, c.var.principal, idOf(c.req.param("id"), "appointment"))))
    .put("/:id", party, body(ChangeAppointment), async (c) =>
      c.json(await changeAppointment(pool, desk.parties, c.var.principal, idOf(c.req.param("id"), "appointment"), c.req.valid("json"))),
    )
}
