import { Hono } from "hono"
import { bookAppointment } from "../core/appointments/book.ts"
import { changeAppointment, readAppointment } from "../core/appointments/change.ts"
import { listAppointmentsOf } from "../core/appointments/list.ts"
import { Appointment, AppointmentPage, BookAppointment, ChangeAppointment, ListAppointments } from "../core/appointments/schema.ts"
import { operation } from "./description/describe.ts"
import type { Deps, Env } from "./env.ts"
import { answered, keyOf } from "./once.ts"
import { body, pathId, query } from "./validate.ts"

export const appointments = ({ pool, desk, guards }: Deps) => {
  const party = guards.only("PATIENT", "DOCTOR", "RECEPTIONIST")
  return new Hono<Env>()
    .post(
      "/",
      operation({
        id: "bookAppointment",
        tag: "Appointments",
        summary: "Book a slot",
        description: "However many ask for one slot at one time, exactly one gets it.",
        answers: {
          201: {
            schema: Appointment,
            description: "Booked, and waiting for the doctor's answer. The doctor and the desk hear `appointment:new`.",
          },
        },
        problems: {
          404: "There is no such doctor or patient.",
          409: "The slot is taken: `nextSlots` are free. Or a call with this key is in flight.",
          422: "Not a slot that can be booked, or another rule is broken.",
        },
      }),
      guards.only("PATIENT", "RECEPTIONIST"),
      body(BookAppointment),
      async (c) => answered(c, await bookAppointment(pool, desk, c.get("principal"), c.req.valid("json"), keyOf(c, c.req.valid("json")))),
    )
    .get(
      "/",
      operation({
        id: "listAppointments",
        tag: "Appointments",
        summary: "List the caller's appointments, by time",
        description: "A patient's and a doctor's own; the front desk sees its clinic's.",
        answers: { 200: { schema: AppointmentPage, description: "A page of appointments." } },
      }),
      party,
      query(ListAppointments),
      async (c) => c.json(await listAppointmentsOf(pool, c.get("principal"), c.req.valid("query"))),
    )
    .get(
      "/:id",
      operation({
        id: "readAppointment",
        tag: "Appointments",
        summary: "Read an appointment",
        answers: { 200: { schema: Appointment, description: "The appointment." } },
      }),
      party,
      pathId("appointment"),
      async (c) => c.json(await readAppointment(pool, c.get("principal"), c.req.valid("param").id)),
    )
    .put(
      "/:id",
      operation({
        id: "changeAppointment",
        tag: "Appointments",
        summary: "Move an appointment to another state or time",
        description:
          "PENDING → CONFIRMED, REJECTED or CANCELLED; CONFIRMED → WAITING, CANCELLED or NO_SHOW; WAITING → IN_PROGRESS, CANCELLED or NO_SHOW; IN_PROGRESS → COMPLETED. A patient may cancel, or ask for another time, which makes it PENDING again. All parties hear `appointment:update`.",
        answers: { 200: { schema: Appointment, description: "The appointment as it is now." } },
        problems: { 409: "The move is not allowed, the version is stale or the time is taken." },
      }),
      party,
      pathId("appointment"),
      body(ChangeAppointment),
      async (c) => c.json(await changeAppointment(pool, desk.parties, c.get("principal"), c.req.valid("param").id, c.req.valid("json"))),
    )
}
