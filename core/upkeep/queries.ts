import { type Db, one } from "../db.ts"

/**
 * Deletes the oldest events, in order and no more than `limit`, up to the first that is not older than `before` or that the worker
 * has not read; raises the log's floor over them and takes them out of the rooms' lists. Returns how many.
 */
export async function deleteOldEvents(tx: Db, before: Date, limit: number): Promise<number> {
  const { deleted } = one(
    await tx<{ deleted: number }[]>`
    with log as materialized (select floor from event_log for update),
    oldest as materialized (
      select e."offset", e.occurred_at from log, events e
      where e."offset" > log.floor and e."offset" <= (select "offset" from work_cursor) order by e."offset" limit ${limit}),
    young as (select coalesce(min("offset"), (select max("offset") + 1 from oldest)) as "offset" from oldest where occurred_at >= ${before}),
    gone as (
      delete from events e using young
      where e."offset" is not null and e."offset" < young."offset" and e."offset" in (select "offset" from oldest)
      returning e."offset", e.rooms),
    unlisted as (
      delete from room_events r using (select g."offset", room from gone g cross join unnest(g.rooms) as room) l
      where r.room = l.room and r."offset" = l."offset"),
    raised as (
      update event_log set floor = (select max("offset") from gone) where exists (select from gone))
    select count(*) as deleted from gone`,
  )
  return deleted
}

/** Keys older than they are kept for. Returns how many. */
export async function deleteOldKeys(db: Db, before: Date, limit: number): Promise<number> {
  const deleted = await db`
    delete from idempotency_keys where ctid = any (array(select ctid from idempotency_keys where created_at < ${before} limit ${limit}))`
  return deleted.count
}

/** Fresh statistics of the tables that change most: plans for yesterday's table are slow on today's. */
export async function analyzeHotTables(db: Db): Promise<void> {
  await db`analyze appointments, events, room_events, doctors, patients, payments, rollups_due, doctor_days, idempotency_keys`
}
