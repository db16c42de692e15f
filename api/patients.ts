import { Hono } from "hono"
import { changePatient, createPatient } from "../core/patients/profile.ts"
import { ChangePatient, CreatePatient } from "../core/patients/schema.ts"
import type { Deps, Env } from "./env.ts"
import { body } from "./validate.ts"

export const patients = ({ pool, guards }: Deps) =>
  new Hono<Env>()
    .post("/", guards.signedIn, body(CreatePatient), async (c) =>
      c.json(await createPatient(pool, c.var.identity.uid, c.req.valid("json")), 201),
    )
    .patch("/me", guards.only("PATIENT"), body(ChangePatient), async (c) =>
      c.json(await changePatient(pool, c.var.identity.uid, c.req.valid("json"))),
    )
