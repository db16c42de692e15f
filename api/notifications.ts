import { Hono } from "hono"
import { listNotificationsOf } from "../core/notifications/list.ts"
import { markRead } from "../core/notifications/read.ts"
import { ListNotifications, NotificationPage, ReadNotifications, Unread } from "../core/notifications/schema.ts"
import { operation } from "./description/describe.ts"
import type { Deps, Env } from "./env.ts"
import { body, query } from "./validate.ts"

const TURNED_AWAY = "A receptionist whom the clinic has turned away hears nothing."

export const notifications = ({ pool, guards }: Deps) =>
  new Hono<Env>()
    .get(
      "/",
      operation({
        id: "listNotifications",
        tag: "Notifications",
        summary: "List what the caller's sockets have heard, newest first",
        answers: { 200: { schema: NotificationPage, description: "A page of events." } },
        problems: { 403: TURNED_AWAY },
      }),
      guards.signedIn,
      query(ListNotifications),
      async (c) => c.json(await listNotificationsOf(pool, c.get("identity").uid, c.req.valid("query"))),
    )
    .put(
      "/read",
      operation({
        id: "readNotifications",
        tag: "Notifications",
        summary: "Mark events as read",
        answers: { 200: { schema: Unread, description: "How many are left." } },
        problems: { 403: TURNED_AWAY },
      }),
      guards.signedIn,
      body(ReadNotifications),
      async (c) => c.json(await markRead(pool, c.get("identity").uid, c.req.valid("json"))),
    )
