import type { Db } from "../db.ts"
import { invalid } from "../errors.ts"
import { updateReadUpTo } from "./queries.ts"
import { countUnread, roomsNow } from "./reader.ts"
import type { ReadNotifications, Unread } from "./schema.ts"

/** Marks everything up to an offset as read, for good: a smaller offset changes nothing. Refuses one that the log has not reached. */
export async function markRead(db: Db, uid: string, { upTo }: ReadNotifications): Promise<Unread> {
  const rooms = await roomsNow(db, uid)
  const { head, floor, readUpTo } = await updateReadUpTo(db, uid, upTo)
  if (upTo > head) throw invalid("upTo", "must not lie beyond the newest event")
  return { unread: readUpTo === null ? 0 : await countUnread(db, rooms, { head, floor, readUpTo }) }
}
