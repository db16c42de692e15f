/** What ours is held against: Socket.IO on the same engine, in memory, without adapter, that emits when it is told to. */
import { Server as BunEngine, type WebSocketData } from "@socket.io/bun-engine"
import { Server } from "socket.io"
import { NAMESPACE } from "../../../realtime/packet.ts"
import { nowMs } from "./clients.ts"

export type Emit = { payloads: { doctorId: string; city: string }[] }
export type BareAnswer = { port: number } | { starts: number[] }

const IDLE_TIMEOUT_S = 60
const ROOM = "room"

const engine = new BunEngine({ path: "/socket.io/" })
const io = new Server({ serveClient: false })
io.bind(engine as unknown as Parameters<Server["bind"]>[0])
const namespace = io.of(NAMESPACE)
namespace.on("connection", (socket) => {
  socket.join(ROOM)
  socket.emit("stream:ready", { offset: 0 })
})
const { fetch, websocket } = engine.handler()
const server = Bun.serve<WebSocketData>({ hostname: "127.0.0.1", port: 0, fetch, websocket, idleTimeout: IDLE_TIMEOUT_S })

let offset = 0
process.on("message", async ({ payloads }: Emit) => {
  const starts: number[] = []
  for (const payload of payloads) {
    starts.push(nowMs())
    namespace.to(ROOM).emit("doctor:new", payload, { id: Bun.randomUUIDv7(), offset: ++offset, occurredAt: new Date().toISOString() })
    // As each would come from somewhere, in a turn of its own.
    await new Promise((resolve) => setImmediate(resolve))
  }
  process.send?.({ starts } satisfies BareAnswer)
})
process.send?.({ port: server.port as number } satisfies BareAnswer)
