import { expect, test } from "bun:test"
import { Server } from "socket.io"
import { openRedis } from "../core/redis.ts"
import { testRedis, until } from "../tests/harness/services.ts"
import { attachAdapter } from "./adapter.ts"

test("processes hear each other through the adapter, again after Redis was away, and an outage in between harms none", async () => {
  await using server = await testRedis()
  const redis = openRedis(server.config, { name: "test" })
  const [one, other] = [new Server(), new Server()]
  const detach = [attachAdapter(one, redis), attachAdapter(other, redis)]
  const heard: string[] = []
  other.on("said", (word: string) => heard.push(word))
  const say = (word: string) => () => {
    one.serverSideEmit("said", word)
    return heard.includes(word)
  }
  await until("the other hears", say("before"))
  await server.kill()
  one.serverSideEmit("said", "into the void")
  one.local.emit("still here")
  await server.start()
  await until("the other hears again", say("after"), 8_000)
  await server.kill()
  for (const end of detach) end()
  for (const io of [one, other]) await io.of("/").adapter.close()
  redis.disconnect()
  expect(heard).toContain("after")
}, 20_000)
