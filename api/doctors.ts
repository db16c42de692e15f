import { Hono } from "hono"
import { changeDoctor } from "../core/doctors/change.ts"
import { onboardDoctor } from "../core/doctors/onboard.ts"
import { findDoctor } from "../core/doctors/queries.ts"
import { Availability, findAvailability } from "../core/doctors/schedule/availability.ts"
import { AvailabilityQuery } from "../core/doctors/schedule/zone.ts"
import { ChangeDoctor, CreateDoctor, DoctorProfile, OwnDoctorProfile } from "../core/doctors/schema.ts"
import { SearchAnswer, SearchQuery } from "../core/doctors/search/schema.ts"
import { notFound } from "../core/errors.ts"
import { operation } from "./description/describe.ts"
import type { Deps, Env } from "./env.ts"
import { answered, doOnce } from "./once.ts"
import { answerSearch } from "./search/answer.ts"
import { body, pathId, query } from "./validate.ts"

export const doctors = ({ pool, searchDb, codes, guards, searchIndex }: Deps) =>
  new Hono<Env>()
    .post(
      "/",
      operation({
        id: "createDoctor",
        tag: "Identity",
        summary: "Become a doctor, with a new clinic or at one that exists",
        answers: { 201: { schema: OwnDoctorProfile, description: "The doctor's own view. Patients of the city hear `doctor:new`." } },
        problems: { 409: "The caller has a profile already." },
      }),
      guards.signedIn,
      body(CreateDoctor),
      async (c) => {
        const { uid } = c.get("identity")
        const input = c.req.valid("json")
        const onboard = () => doOnce(c, pool, input, (tx) => onboardDoctor(tx, uid, input))
        return answered(c, await (input.clinicId === undefined ? onboard() : codes.attempt(uid, onboard)))
      },
    )
    .patch(
      "/me",
      operation({
        id: "changeDoctor",
        tag: "Doctors",
        summary: "Change the caller's own profile",
        answers: { 200: { schema: OwnDoctorProfile, description: "The doctor as it is now." } },
      }),
      guards.only("DOCTOR"),
      body(ChangeDoctor),
      async (c) => c.json(await changeDoctor(pool, c.get("principal"), c.req.valid("json"))),
    )
    .get(
      "/search",
      operation({
        id: "searchDoctors",
        tag: "Doctors",
        summary: "Find doctors, near a place or by name",
        description:
          "Filters combine with AND. With a position: those within the radius (great circle, mean Earth radius), nearest first; without: by name. Ties go by id.",
        answers: { 200: { schema: SearchAnswer, description: "A page of doctors." } },
      }),
      guards.signedIn,
      query(SearchQuery),
      (c) => answerSearch(c, searchDb, searchIndex, c.req.valid("query")),
    )
    .get(
      "/:id",
      operation({
        id: "readDoctor",
        tag: "Doctors",
        summary: "Read a doctor's profile",
        answers: { 200: { schema: DoctorProfile, description: "The doctor." } },
      }),
      guards.signedIn,
      pathId("doctor"),
      async (c) => {
        const doctor = await findDoctor(pool, c.req.valid("param").id)
        if (!doctor) throw notFound("doctor")
        return c.json(doctor)
      },
    )
    .get(
      "/:id/availability",
      operation({
        id: "readAvailability",
        tag: "Doctors",
        summary: "Read which slots of a day can be booked",
        answers: { 200: { schema: Availability, description: "The free slots of the day, in the doctor's zone." } },
      }),
      guards.signedIn,
      pathId("doctor"),
      query(AvailabilityQuery),
      async (c) => c.json(await findAvailability(pool, c.req.valid("param").id, c.req.valid("query").date, Date.now())),
    )
