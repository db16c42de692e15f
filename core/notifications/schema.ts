import { z } from "zod"
import type { PublicName } from "../events/catalog.ts"
import { pageFields } from "../pages.ts"

/** A page ends where the next one begins: at an offset, so that what arrives meanwhile moves nothing. */
export const ListNotifications = z.object({
  cursor: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, "is not a cursor of this list")
    .transform(Number)
    .optional(),
  limit: pageFields.limit,
})
export type ListNotifications = z.infer<typeof ListNotifications>

export const ReadNotifications = z.strictObject({
  /** The offset of the newest event that was read; everything before it counts as read too. */
  upTo: z.int().min(0),
})
export type ReadNotifications = z.infer<typeof ReadNotifications>

/** An event as a socket gets it, and whether its reader has seen it. */
export type Notification = {
  id: string
  offset: number
  name: PublicName
  data: Record<string, unknown>
  occurredAt: string
  read: boolean
}

export type NotificationPage = { data: Notification[]; unread: number; nextCursor: string | null }
