import { Hono } from "hono"
import { findDoctorOf } from "../core/doctors/queries.ts"
import { findPatientOf } from "../core/patients/queries.ts"
import { findReceptionistOf } from "../core/receptionists/queries.ts"
import { operation } from "./description/describe.ts"
import { Me } from "./description/me.ts"
import type { Deps, Env } from "./env.ts"

export const me = ({ pool, guards }: Deps) =>
  new Hono<Env>().get(
    "/",
    operation({
      id: "readMe",
      tag: "Identity",
      summary: "Who the caller is",
      answers: { 200: { schema: Me, description: "The caller's role, and the profile that goes with it." } },
    }),
    guards.known,
    async (c) => {
      const { uid, role } = c.get("principal")
      switch (role) {
        case "PATIENT":
          return c.json({ uid, role, patient: await findPatientOf(pool, uid) })
        case "DOCTOR":
          return c.json({ uid, role, doctor: await findDoctorOf(pool, uid) })
        case "RECEPTIONIST":
          return c.json({ uid, role, receptionist: await findReceptionistOf(pool, uid) })
        case null:
          return c.json({ uid, role })
      }
    },
  )
