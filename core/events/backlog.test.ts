import { expect, test } from "bun:test"
import { TestLog } from "../../tests/harness/event-log.ts"
import { lastStreamed } from "./publisher.ts"

const PUBLISHED = 2_000
const BACKLOG = 30_000

test("a backlog is published, however large it has become since the statistics were made", async () => {
  await using log = await TestLog.open()
  const { publisher, redis } = await log.publisher()
  const write = (count: number) => log.pool`
    insert into events (id, name, subject, rooms, data)
    select gen_random_uuid(), 'access:changed', 'account:' || n, array['doctor:' || n % 100], jsonb_build_object('uid', n)
    from generate_series(1, ${count}::int) n`
  await write(PUBLISHED)
  await publisher.sweep()
  // From here on Postgres takes it that hardly an event is unpublished.
  await log.pool`analyze events`
  await write(BACKLOG)
  await publisher.sweep()
  expect([await log.head(), await lastStreamed(redis, await log.key())]).toEqual([PUBLISHED + BACKLOG, PUBLISHED + BACKLOG])
  const [order] = await log.pool`
    select bool_and("offset" = place) as kept from (select "offset", row_number() over (order by seq) as place from events) places`
  expect(order).toEqual({ kept: true })
}, 60_000)
