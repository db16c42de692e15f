import { Hono } from "hono"
import { changeDoctor } from "../core/doctors/change.ts"
import { onboardDoctor } from "../core/doctors/onboard.ts"
import { findDoctor } from "../core/doctors/queries.ts"
import { findAvailability } from "../core/doctors/schedule/availability.ts"
import { AvailabilityQuery } from "../core/doctors/schedule/zone.ts"
import { ChangeDoctor, CreateDoctor } from "../core/doctors/schema.ts"
import { SearchQuery } from "../core/doctors/search/schema.ts"
import { searchDoctors } from "../core/doctors/search/search.ts"
import { notFound } from "../core/errors.ts"
import type { Deps, Env } from "./env.ts"
import { answered, doOnce } from "./once.ts"
import { body, idOf, query } from "./validate.ts"

export const doctors = ({ pool, codes, guards }: Deps) =>
  new Hono<Env>()
    .post("/", guards.signedIn, body(CreateDoctor), async (c) => {
      const { uid } = c.var.identity
      const input = c.req.valid("json")
      const onboard = () => doOnce(c, pool, input, (tx) => onboardDoctor(tx, uid, input))
      return answered(c, await (input.clinicId === undefined ? onboard() : codes.attempt(uid, onboard)))
    })
    .patch("/me", guards.only("DOCTOR"), body(ChangeDoctor), async (c) =>
      c.json(await changeDoctor(pool, c.var.principal, c.req.valid("json"))),
    )
    .get("/search", guards.signedIn, query(SearchQuery), async (c) => c.json(await searchDoctors(pool, c.req.valid("query"))))
    .get("/:id", guards.signedIn, async (c) => {
      const doctor = await findDoctor(pool, idOf(c.req.param("id"), "doctor"))
      if (!doctor) throw notFound("doctor")
      return c.json(doctor)
    })
    .get("/:id/availability", guards.signedIn, query(AvailabilityQuery), async (c) =>
      c.json(await findAvailability(pool, idOf(c.req.param("id"), "doctor"), c.req.valid("query").date, Date.now())),
    )
