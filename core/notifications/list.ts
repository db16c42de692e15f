import { numberedCursor } from "../cursor.ts"
import type { Db } from "../db.ts"
import { instant } from "../time.ts"
import { findReadState, type Heard, listNewest } from "./queries.ts"
import { countUnread, roomsNow } from "./reader.ts"
import type { ListNotifications, Notification, NotificationPage } from "./schema.ts"

/**
 * What the person's rooms, as they are now, have heard, newest first: the events that a socket of theirs would be replayed, so those from
 * before they came are among them. All of one answer is as of one head of the log.
 */
export async function listNotificationsOf(db: Db, uid: string, { cursor, limit }: ListNotifications): Promise<NotificationPage> {
  const [rooms, state] = await Promise.all([roomsNow(db, uid), findReadState(db, uid)])
  if (!state || rooms.length === 0) return { data: [], unread: 0, nextCursor: null }
  const newest = Math.min(state.head, cursor === undefined ? state.head : cursor - 1)
  const [events, unread] = await Promise.all([
    // One more than asked for tells whether there is a next page.
    listNewest(db, rooms, state.floor, newest, limit + 1),
    countUnread(db, rooms, state),
  ])
  const data = events.slice(0, limit).map((event) => notification(event, state.readUpTo))
  const last = data.at(-1)
  return { data, unread, nextCursor: events.length > limit && last ? numberedCursor("notifications", last.offset) : null }
}

function notification({ id, offset, name, data, occurredAt }: Heard, readUpTo: number): Notification {
  // Internal events have no rooms, so none is ever found in one; what is in the log has its name's payload.
  return { id, offset, name, data, occurredAt: instant(occurredAt), read: offset <= readUpTo } as Notification
}
