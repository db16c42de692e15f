import { Hono } from "hono"
import type { Tx } from "../core/db.ts"
import { createWalkIn, findPatientsAtDesk } from "../core/patients/desk.ts"
import { changePatient, createPatient } from "../core/patients/profile.ts"
import { ChangePatient, CreatePatient, FindPatients, PatientPage, PatientProfile } from "../core/patients/schema.ts"
import { operation } from "./description/describe.ts"
import type { Deps, Env } from "./env.ts"
import { answered, doOnce } from "./once.ts"
import { body, query } from "./validate.ts"

export const patients = ({ pool, guards }: Deps) =>
  new Hono<Env>()
    .post(
      "/",
      operation({
        id: "createPatient",
        tag: "Identity",
        summary: "Become a patient, or make a walk-in",
        description: "The caller's own profile, once. With `walkIn`, an active receptionist makes a patient who has no account.",
        answers: { 201: { schema: PatientProfile, description: "The patient." } },
        problems: { 403: "Walk-ins are made by active receptionists only.", 409: "The caller has a profile already." },
      }),
      guards.known,
      body(CreatePatient),
      async (c) => {
        const [identity, principal] = [c.get("identity"), c.get("principal")]
        const input = c.req.valid("json")
        const make = (tx: Tx) =>
          input.walkIn ? createWalkIn(tx, principal, input) : createPatient(tx, identity.uid, input, c.get("address"))
        return answered(c, await doOnce(c, pool, input, make))
      },
    )
    .get(
      "/",
      operation({
        id: "findPatients",
        tag: "Front desk",
        summary: "Find those who have a visit at the clinic",
        answers: { 200: { schema: PatientPage, description: "Patients of the clinic, by name." } },
      }),
      guards.only("RECEPTIONIST"),
      query(FindPatients),
      async (c) => c.json(await findPatientsAtDesk(pool, c.get("principal"), c.req.valid("query"))),
    )
    .patch(
      "/me",
      operation({
        id: "changePatient",
        tag: "Identity",
        summary: "Change the caller's own profile",
        answers: { 200: { schema: PatientProfile, description: "The patient as it is now." } },
      }),
      guards.only("PATIENT"),
      body(ChangePatient),
      async (c) => c.json(await changePatient(pool, c.get("identity").uid, c.req.valid("json"), c.get("address"))),
    )
