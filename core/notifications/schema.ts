import { z } from "zod"
import { type PublicName, payloads } from "../events/catalog.ts"
import { EXAMPLES } from "../examples.ts"
import { idText, instantText } from "../fields.ts"
import { cursorPageOf, numberedCursorFields } from "../pages.ts"

/** A page ends at an offset. */
export const ListNotifications = z.object(numberedCursorFields("notifications"))
export type ListNotifications = z.infer<typeof ListNotifications>

export const ReadNotifications = z
  .strictObject({
    upTo: z.int().min(0).meta({ description: "The offset of the newest event that was read; everything before it counts as read too." }),
  })
  .meta({ id: "ReadNotifications", examples: [{ upTo: 1041 }] })
export type ReadNotifications = z.infer<typeof ReadNotifications>

/** Each event that clients hear, with its payload. */
const eventOf = <Name extends PublicName>(name: Name) => ({ name: z.literal(name), data: payloads[name] })
const common = {
  id: idText,
  offset: z.int().min(1).meta({ description: "Its place in the log." }),
  occurredAt: instantText,
  read: z.boolean(),
}

/** An event as a socket gets it, and whether its reader has seen it. */
export const Notification = z
  .discriminatedUnion("name", [
    z.object({ ...common, ...eventOf("appointment:new") }),
    z.object({ ...common, ...eventOf("appointment:update") }),
    z.object({ ...common, ...eventOf("payment:update") }),
    z.object({ ...common, ...eventOf("doctor:new") }),
    z.object({ ...common, ...eventOf("queue:update") }),
    z.object({ ...common, ...eventOf("queue:position") }),
    z.object({ ...common, ...eventOf("appointment:reminder") }),
    z.object({ ...common, ...eventOf("analytics:update") }),
  ])
  .meta({
    id: "Notification",
    examples: [
      {
        id: "01990b02-5e33-7a11-8b22-c3d4e5f60719",
        offset: 1041,
        name: "appointment:update",
        data: { appointmentId: EXAMPLES.appointmentId, status: "CONFIRMED", scheduledAt: EXAMPLES.start },
        occurredAt: EXAMPLES.changedAt,
        read: false,
      },
    ],
  })
export type Notification = z.infer<typeof Notification>

const unread = z
  .int()
  .min(0)
  .meta({ description: "How many events are newer than what was read.", examples: [1] })

export const NotificationPage = cursorPageOf("NotificationPage", Notification, { unread })
export type NotificationPage = z.infer<typeof NotificationPage>

export const Unread = z.object({ unread }).meta({ id: "Unread", examples: [{ unread: 0 }] })
export type Unread = z.infer<typeof Unread>
