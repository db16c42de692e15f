import { type Db, maybeOne, one } from "../db.ts"
import type { LoggedEvent, NewEvent } from "./catalog.ts"

/** The publisher's session lock, one in each database. */
const PUBLISHER_LOCK = 7_283_645_001
/** A holder that freezes loses session and lock after this. Its longest honest pause is one Redis timeout, 2 s. */
const HOLDER_IDLE_MS = 5_000

/** An event as the stream holds it: the JSON of a {@link LoggedEvent} without its offset. */
export type StreamEntry = { offset: number; event: string }

export type LogState = { id: string; head: number; floor: number }

/** Writes events in the caller's transaction. The subject's row lock must be held, so that order here is commit order. */
export async function insertEvents(db: Db, events: NewEvent[]): Promise<void> {
  if (events.length === 0) return
  const rows = events.map((e) => ({ ...e, data: db.json(e.data) }))
  await db`insert into events ${db(rows, "id", "name", "subject", "rooms", "data")}`
}

export async function findLog(db: Db): Promise<LogState> {
  return one(await db<LogState[]>`select id, head, floor from event_log`)
}

/**
 * Takes the publisher's lock and marks this session with `turn`. A lost session loses lock and mark together, and the
 * driver connects again without a word: so what must not run without the lock asks for the mark in its own statement.
 * The session reads by index alone: a plan made while the log was short would scan all of it once it is long. And it joins by tables,
 * not by loops: statistics made while all was published take a backlog for one row, and to loop over it for each of its rows stopped
 * the publisher for good once there were some 20,000.
 */
export async function tryPublisherLock(db: Db, turn: string): Promise<boolean> {
  const { locked } = one(
    await db<{ locked: boolean }[]>`
      select case when pg_try_advisory_lock(${PUBLISHER_LOCK})
        then set_config('enable_seqscan', 'off', false) || set_config('enable_nestloop', 'off', false)
          || set_config('pulsecal.turn', ${turn}, false) || set_config('idle_session_timeout', ${String(HOLDER_IDLE_MS)}, false) <> ''
        else false end as locked`,
  )
  return locked
}

/** The log, if this session still is the one that took the lock for `turn`. */
export async function findLogUnderLock(db: Db, turn: string): Promise<LogState | undefined> {
  return maybeOne(await db<LogState[]>`select id, head, floor from event_log where current_setting('pulsecal.turn', true) = ${turn}`)
}

/** Gives up every lock of the session, one left by a failed turn included. */
export async function releasePublisherLock(db: Db): Promise<void> {
  await db`select pg_advisory_unlock_all(), set_config('pulsecal.turn', '', false), set_config('idle_session_timeout', '0', false)`
}

/** The event `e` as JSON. It goes as it is from Postgres to the stream: read and written again it cost the publisher more than all else. */
const written = (db: Db) => db`
  concat('{"id":"', e.id, '","name":', to_json(e.name), ',"subject":', to_json(e.subject), ',"rooms":', to_json(e.rooms),
    ',"data":', e.data, ',"occurredAt":', to_json(e.occurred_at), '}')`

/**
 * Gives committed events their dense offsets, in `seq` order, at most `limit` of them, and lists them under their rooms. Looks at no event
 * beyond those, however many wait.
 * Does nothing unless this session holds the lock for `turn`. Returns them in order.
 */
export async function assignOffsets(db: Db, limit: number, turn: string): Promise<StreamEntry[]> {
  return await db<StreamEntry[]>`
    with pending as materialized (
      select seq from events
      where "offset" is null and current_setting('pulsecal.turn', true) = ${turn}
      order by seq limit ${limit}),
    numbered as materialized (
      select seq, row_number() over (order by seq) as n from pending),
    moved as (
      update event_log set head = head + (select count(*) from pending)
      where singleton and exists (select from pending) returning head),
    assigned as (
      update events e
      set "offset" = (select head from moved) - (select count(*) from pending) + numbered.n
      from numbered
      where e.seq = numbered.seq and e."offset" is null
        and e.seq between (select min(seq) from pending) and (select max(seq) from pending)
      returning e."offset", e.id, e.name, e.subject, e.rooms, e.data, e.occurred_at),
    listed as (
      insert into room_events (room, "offset")
      select distinct r.room, assigned."offset" from assigned cross join unnest(assigned.rooms) as r (room))
    select e."offset", ${written(db)} as event from assigned e order by e."offset"`
}

export async function hasUnpublished(db: Db): Promise<boolean> {
  return maybeOne(await db`select 1 from events where "offset" is null order by seq limit 1`) !== undefined
}

/** How many committed events wait for an offset, counted up to `limit`, and for how long the oldest has. */
export async function countUnpublished(db: Db, limit: number): Promise<{ rows: number; oldestSeconds: number }> {
  return one(
    await db<{ rows: number; oldestSeconds: number }[]>`
    select count(*) as rows, coalesce(extract(epoch from clock_timestamp() - min(occurred_at)), 0)::float8 as "oldestSeconds"
    from (select occurred_at from events where "offset" is null order by seq limit ${limit}) waiting`,
  )
}

/**
 * Events with `after` < offset ≤ `upTo`, in order, no further than `limit` offsets on: the range is the limit, since offsets are dense, and
 * only the partitions that hold it are opened. Of what is no longer kept there are none.
 */
export async function listEvents(db: Db, after: number, upTo: number, limit: number): Promise<LoggedEvent[]> {
  return await db<LoggedEvent[]>`
    select "offset", id, name, subject, rooms, data, occurred_at as "occurredAt"
    from events where "offset" > ${after} and "offset" <= ${Math.min(upTo, after + limit)} order by "offset"`
}

/** As {@link listEvents}, for the stream. */
export async function listEntries(db: Db, after: number, upTo: number, limit: number): Promise<StreamEntry[]> {
  return await db<StreamEntry[]>`
    select e."offset", ${written(db)} as event
    from events e where e."offset" > ${after} and e."offset" <= ${Math.min(upTo, after + limit)} order by e."offset"`
}

/**
 * Events with `after` < offset ≤ `upTo` that any of `rooms` may hear, in order. Costs the rows it returns, however long the log is. The
 * range stands twice, so that partitions outside of it are not opened for either table.
 */
export async function listRoomEvents(db: Db, rooms: string[], after: number, upTo: number, limit: number): Promise<LoggedEvent[]> {
  return await db<LoggedEvent[]>`
    with wanted as (
      select distinct heard."offset"
      from unnest(${rooms}::text[]) as r (room)
      cross join lateral (
        select re."offset" from room_events re
        where re.room = r.room and re."offset" > ${after} and re."offset" <= ${upTo}
        order by re."offset" limit ${limit}) heard
      order by heard."offset" limit ${limit})
    select e."offset", e.id, e.name, e.subject, e.rooms, e.data, e.occurred_at as "occurredAt"
    from wanted join events e using ("offset") where e."offset" > ${after} and e."offset" <= ${upTo} order by e."offset"`
}
