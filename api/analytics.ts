import { Hono } from "hono"
import { readAnalytics } from "../core/analytics/read.ts"
import { Analytics, AnalyticsQuery } from "../core/analytics/schema.ts"
import { operation } from "./description/describe.ts"
import type { Deps, Env } from "./env.ts"
import { query } from "./validate.ts"

/** Mounted before the doctors' own routes, which take any other word in its place for an id. */
export const analytics = ({ pool, guards }: Deps) =>
  new Hono<Env>().get(
    "/",
    operation({
      id: "readAnalytics",
      tag: "Doctors",
      summary: "Read the caller's own figures",
      answers: { 200: { schema: Analytics, description: "Sums and trends of the period, and of the one before." } },
    }),
    guards.only("DOCTOR"),
    query(AnalyticsQuery),
    async (c) => c.json(await readAnalytics(pool, c.get("principal").doctorId, c.req.valid("query").period, Date.now())),
  )
