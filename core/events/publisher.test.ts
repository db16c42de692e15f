import { expect, test } from "bun:test"
import { testDatabase, testRedis } from "../../tests/harness/services.ts"
import { openPool } from "../db.ts"
import { openLog } from "../log.ts"
import { openRedis } from "../redis.ts"
import type { LoggedEvent } from "./catalog.ts"
import { announce } from "./log.ts"
import { Publisher } from "./publisher.ts"
import { follow } from "./stream.ts"

test("a committed event reaches a follower through the stream", async () => {
  await using database = await testDatabase()
  await using server = await testRedis()
  const session = openPool(database.url, { max: 1, name: "publisher" })
  const redis = openRedis(server.config, { name: "t" })
  const reader = openRedis(server.config, { name: "r", blocking: true })
  await Bun.sleep(100)
  const log = openLog("test", "warn")
  const publisher = new Publisher({ session, redis, log, streamMaxEvents: 1000 })
  const stop = new AbortController()
  const seen: LoggedEvent[] = []
  const loop = (async () => {
    for await (const b of follow({ pool: database.pool, redis: reader, log, after: 0, signal: stop.signal })) {
      if (b.kind === "events") seen.push(...b.events)
      if (seen.length >= 3) stop.abort()
    }
  })()
  for (let i = 0; i < 3; i++) {
    await announce(database.pool, { name: "access:changed", data: { uid: `u${i}` }, about: { uid: `u${i}` } })
    publisher.nudge()
    await Bun.sleep(20)
  }
  await loop
  expect(seen.map((e) => e.offset)).toEqual([1, 2, 3])
  await publisher.close()
  await session.end()
  redis.disconnect()
  reader.disconnect()
})
