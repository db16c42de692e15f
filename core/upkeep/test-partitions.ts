/** An event log in several partitions, made by the functions that make them in earnest, as if time had passed. */
import { TestLog, type TestPublisher } from "../../tests/harness/event-log.ts"
import type { Pool } from "../db.ts"
import { announce } from "../events/log.ts"
import { insertCursor } from "../work/queries.ts"
import { makeEventPartitions } from "./queries.ts"

export const DAY_MS = 86_400_000

/** Ends the partition that is being filled behind the last event that was published. As the role of the processes, but for the clock. */
export async function endPartition(owner: Pool, run: Pool): Promise<void> {
  await makeEventPartitions(run, DAY_MS)
  await owner`update event_partitions set opened_at = now() - interval '1 year' where closed_at is null and opened_at is not null`
  await makeEventPartitions(run, DAY_MS)
  await makeEventPartitions(run, DAY_MS)
}

/** All closed partitions were closed so many days ago. */
export async function age(owner: Pool, days: number): Promise<void> {
  await owner`update event_partitions set closed_at = now() - ${days}::int * interval '1 day' where closed_at is not null`
}

/** A log of a room's events, so many in each partition, all read by the worker; an empty partition comes after them. */
export async function partitionedLog(...counts: number[]): Promise<{ log: TestLog; run: Pool } & TestPublisher> {
  const log = await TestLog.open()
  const run = log.session()
  const publisher = await log.publisher()
  await insertCursor(log.pool)
  for (const count of counts) {
    await announceMany(log, count)
    await publisher.publisher.sweep()
    await endPartition(log.pool, run)
  }
  await log.pool`update work_cursor set "offset" = (select head from event_log)`
  return { log, run, ...publisher }
}

export async function announceMany(log: TestLog, count: number): Promise<void> {
  const about = { city: "Zürich" }
  await announce(
    log.pool,
    ...Array.from({ length: count }, () => ({
      name: "doctor:new" as const,
      data: { doctorId: Bun.randomUUIDv7(), city: "Zürich" },
      about,
    })),
  )
}

/** The partitions as PostgreSQL has them: `events_from_1 1..20`, in order. */
export async function partitionsOf(owner: Pool): Promise<string[]> {
  const rows = await owner<{ name: string; bound: string }[]>`
    select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bound
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent in ('events_published'::regclass, 'room_events'::regclass)`
  return rows
    .map(({ name, bound }) => `${name} ${bound.replace(/FOR VALUES FROM \('(\d+)'\) TO \('?(\w+)'?\)/, "[$1, $2)")}`)
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
}

export async function offsetsOf(owner: Pool, table: "events" | "room_events"): Promise<number[]> {
  return (await owner<{ offset: number }[]>`select "offset" from ${owner(table)} order by "offset"`).map((row) => row.offset)
}

export const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
