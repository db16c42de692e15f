/** The other side of bench:events: XREAD, emit, nothing else. Its argument is the Redis port; it prints its own. */
import { Server as BunEngine, type WebSocketData } from "@socket.io/bun-engine"
import { Server } from "socket.io"
import { openRedis } from "../../core/redis.ts"

const IDLE_TIMEOUT_S = 60
export const BARE_STREAM = "bare"

if (import.meta.main) await serve(Number(process.argv[2]))

async function serve(redisPort: number): Promise<never> {
  const redis = openRedis({ host: "127.0.0.1", port: redisPort, tls: false }, { name: "bare", blocking: true })
  const engine = new BunEngine({ path: "/socket.io/" })
  const io = new Server({ serveClient: false })
  io.bind(engine as unknown as Parameters<Server["bind"]>[0])
  const room = io.of("/notifications")
  room.on("connection", (socket) => {
    socket.join("room")
    socket.emit("stream:ready", { offset: 0 })
  })
  const { fetch, websocket } = engine.handler()
  const server = Bun.serve<WebSocketData>({ hostname: "127.0.0.1", port: 0, fetch, websocket, idleTimeout: IDLE_TIMEOUT_S })
  while (redis.status !== "ready") await Bun.sleep(1)
  console.log(server.port)
  for (let after = "0-0"; ; ) {
    const answer = await redis.xread("COUNT", 500, "BLOCK", 1000, "STREAMS", BARE_STREAM, after)
    for (const [id, fields] of answer?.[0]?.[1] ?? []) {
      after = id
      room.local.to("room").emit("appointment:new", JSON.parse(fields[1] as string), { id: fields[3], offset: 1, occurredAt: fields[5] })
    }
  }
}
