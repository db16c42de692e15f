import { Hono } from "hono"
import { callNext } from "../core/queue/next.ts"
import { readQueue } from "../core/queue/read.ts"
import { reorderEntry } from "../core/queue/reorder.ts"
import { CallNext, QueueQuery, ReorderEntry } from "../core/queue/schema.ts"
import { DayBook } from "../core/receptionists/day-book.ts"
import { decideReceptionist } from "../core/receptionists/decide.ts"
import { linkReceptionist } from "../core/receptionists/link.ts"
import { listReceptionistsFor } from "../core/receptionists/list.ts"
import { DecideReceptionist, LinkReceptionist, ListReceptionists } from "../core/receptionists/schema.ts"
import { deskStats } from "../core/receptionists/stats.ts"
import type { Deps, Env } from "./env.ts"
import { answered, doOnce } from "./once.ts"
import { body, idOf, query } from "./validate.ts"

export const receptionists = ({ pool, codes, guards }: Deps) => {
  const days = new DayBook()
  const staff = guards.only("DOCTOR", "RECEPTIONIST")
  return new Hono<Env>()
    .post("/", guards.signedIn, body(LinkReceptionist), async (c) => {
      const { uid } = c.var.identity
      const input = c.req.valid("json")
      const link = () => doOnce(c, pool, input, (tx) => linkReceptionist(tx, uid, input))
      return answered(c, await (input.verificationCode == null ? link() : codes.attempt(uid, link)))
    })
    .get("/", staff, query(ListReceptionists), async (c) => c.json(await listReceptionistsFor(pool, c.var.principal, c.req.valid("query"))))
    .get("/stats", guards.only("RECEPTIONIST"), async (c) => c.json(await deskStats(pool, days, c.var.principal, Date.now())))
    .get("/queue", staff, query(QueueQuery), async (c) => c.json(await readQueue(pool, c.var.principal, c.req.valid("query"))))
    .post("/queue/next", staff, body(CallNext), async (c) => {
      const { principal } = c.var
      const input = c.req.valid("json")
      return answered(c, await doOnce(c, pool, input, (tx) => callNext(tx, principal, input)), 200)
    })
    .put("/queue/:appointmentId", staff, body(ReorderEntry), async (c) =>
      c.json(await reorderEntry(pool, c.var.principal, idOf(c.req.param("appointmentId"), "appointment"), c.req.valid("json"))),
    )
    .put("/:id", guards.only("DOCTOR"), body(DecideReceptionist), async (c) =>
      c.json(await decideReceptionist(pool, c.var.principal, idOf(c.req.param("id"), "receptionist"), c.req.valid("json"))),
    )
}
