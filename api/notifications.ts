import { Hono } from "hono"
import { listNotificationsOf } from "../core/notifications/list.ts"
import { markRead } from "../core/notifications/read.ts"
import { ListNotifications, ReadNotifications } from "../core/notifications/schema.ts"
import type { Deps, Env } from "./env.ts"
import { body, query } from "./validate.ts"

export const notifications = ({ pool, guards }: Deps) =>
  new Hono<Env>()
    .get("/", guards.signedIn, query(ListNotifications), async (c) =>
      c.json(await listNotificationsOf(pool, c.var.identity.uid, c.req.valid("query"))),
    )
    .put("/read", guards.signedIn, body(ReadNotifications), async (c) =>
      c.json(await markRead(pool, c.var.identity.uid, c.req.valid("json"))),
    )
