import { Hono } from "hono"
import type { Tx } from "../core/db.ts"
import { createWalkIn, findPatientsAtDesk } from "../core/patients/desk.ts"
import { changePatient, createPatient } from "../core/patients/profile.ts"
import { ChangePatient, CreatePatient, FindPatients } from "../core/patients/schema.ts"
import type { Deps, Env } from "./env.ts"
import { answered, doOnce } from "./once.ts"
import { body, query } from "./validate.ts"

export const patients = ({ pool, guards }: Deps) =>
  new Hono<Env>()
    .post("/", guards.known, body(CreatePatient), async (c) => {
      const { identity, principal } = c.var
      const input = c.req.valid("json")
      const make = (tx: Tx) => (input.walkIn ? createWalkIn(tx, principal, input) : createPatient(tx, identity.uid, input))
      return answered(c, await doOnce(c, pool, input, make))
    })
    .get("/", guards.only("RECEPTIONIST"), query(FindPatients), async (c) =>
      c.json(await findPatientsAtDesk(pool, c.var.principal, c.req.valid("query"))),
    )
    .patch("/me", guards.only("PATIENT"), body(ChangePatient), async (c) =>
      c.json(await changePatient(pool, c.var.identity.uid, c.req.valid("json"))),
    )
