import { Hono } from "hono"
import { listAccessOf } from "../core/audit/list.ts"
import { AccessPage, ListAccess } from "../core/audit/schema.ts"
import { operation } from "./description/describe.ts"
import type { Deps, Env } from "./env.ts"
import { query } from "./validate.ts"

export const audit = ({ pool, guards }: Deps) =>
  new Hono<Env>().get(
    "/me",
    operation({
      id: "listAccess",
      tag: "Identity",
      summary: "List who read or changed the caller's data, newest first",
      description:
        "Refused attempts are among them, and so are live connections of the caller's own. What has just happened follows within a second or two.",
      answers: { 200: { schema: AccessPage, description: "A page of entries." } },
    }),
    guards.only("PATIENT"),
    query(ListAccess),
    async (c) => c.json(await listAccessOf(pool, c.get("principal"), c.req.valid("query"))),
  )
