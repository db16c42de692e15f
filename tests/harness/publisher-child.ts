/** A publisher in a process of its own, to be killed: publishes without pause. Arguments: database URL, Redis port. */
import { openPool } from "../../core/db.ts"
import { Publisher } from "../../core/events/publisher.ts"
import { openLog } from "../../core/log.ts"
import { openRedis } from "../../core/redis.ts"

const [url, port] = process.argv.slice(2)
if (!url || !port) throw new Error("usage: publisher-child.ts <database url> <redis port>")

const session = openPool(url, { max: 1, name: "publisher" })
const redis = openRedis({ host: "127.0.0.1", port: Number(port), tls: false }, { name: "publisher" })
const publisher = new Publisher({ session, redis, log: openLog("child", "silent"), streamMaxEvents: 10_000 })
while (redis.status !== "ready") await Bun.sleep(1)
await publisher.sweep()
console.log("publishing")
for (;;) await publisher.sweep()
