import { type Db, maybeOne, one } from "../db.ts"
import type { LoggedEvent } from "../events/catalog.ts"

/** What the log holds, (floor, head], and how far the person has read it. */
export type ReadState = { head: number; floor: number; readUpTo: number }

/** Of someone without an account: undefined. */
export async function findReadState(db: Db, uid: string): Promise<ReadState | undefined> {
  return maybeOne(
    await db<ReadState[]>`
    select l.head, l.floor, a.read_up_to as "readUpTo" from accounts a cross join event_log l where a.uid = ${uid}`,
  )
}

/**
 * Moves the person's mark forward, never back and never past the head. Returns the log as it was looked at, and the mark as it then is;
 * null: there is no account whose mark it could be.
 */
export async function updateReadUpTo(
  db: Db,
  uid: string,
  upTo: number,
): Promise<Omit<ReadState, "readUpTo"> & { readUpTo: number | null }> {
  return one(
    await db<{ head: number; floor: number; readUpTo: number | null }[]>`
    with log as materialized (select head, floor from event_log),
    moved as (
      update accounts a set read_up_to = greatest(a.read_up_to, ${upTo}) from log
      where a.uid = ${uid} and ${upTo} <= log.head
      returning a.read_up_to)
    select head, floor, (select read_up_to from moved) as "readUpTo" from log`,
  )
}

export type Heard = Pick<LoggedEvent, "offset" | "id" | "name" | "data" | "occurredAt">

/** Events with `after` < offset ≤ `upTo` that any of `rooms` may hear, newest first. Costs the rows it returns, however long the log is. */
export async function listNewest(db: Db, rooms: string[], after: number, upTo: number, limit: number): Promise<Heard[]> {
  return await db<Heard[]>`
    with wanted as (
      select distinct heard."offset"
      from unnest(${rooms}::text[]) as r (room)
      cross join lateral (
        select re."offset" from room_events re
        where re.room = r.room and re."offset" > ${after} and re."offset" <= ${upTo}
        order by re."offset" desc limit ${limit}) heard
      order by heard."offset" desc limit ${limit})
    select e."offset", e.id, e.name, e.data, e.occurred_at as "occurredAt"
    from wanted join events e using ("offset") where e."offset" > ${after} and e."offset" <= ${upTo} order by e."offset" desc`
}

/** How many events with `after` < offset ≤ `upTo` any of `rooms` may hear: read from the index alone. */
export async function countHeard(db: Db, rooms: string[], after: number, upTo: number): Promise<number> {
  const { count } = one(
    await db<{ count: number }[]>`
    select count(distinct "offset") as count from room_events
    where room = any(${rooms}::text[]) and "offset" > ${after} and "offset" <= ${upTo}`,
  )
  return count
}
