/** One Socket.IO server for the engine comparison, in a process of its own: `engine-server.ts <engine> <redis port or 0>`. */
import { createServer } from "node:http"
import { Server as BunEngine, type WebSocketData } from "@socket.io/bun-engine"
import { createAdapter } from "@socket.io/redis-adapter"
import { Redis } from "ioredis"
import { Server, type Socket } from "socket.io"

export type EngineName = "node:http" | "bun-engine"
export const PAYLOAD_LIMIT_BYTES = 64 * 1024
export const ALLOWED_ORIGIN = "https://allowed.example"
/** Above Engine.IO's ping interval, so that a waiting poll is not cut. */
const IDLE_TIMEOUT_S = 60

const now = () => performance.timeOrigin + performance.now()

/** Starts the engine on a free port of the loopback and returns the port. */
async function listen(io: Server, engine: EngineName): Promise<number> {
  if (engine === "node:http") {
    const http = createServer()
    io.attach(http, { maxHttpBufferSize: PAYLOAD_LIMIT_BYTES, cors: { origin: [ALLOWED_ORIGIN] } })
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve))
    return (http.address() as { port: number }).port
  }
  const bun = new BunEngine({ path: "/socket.io/", maxHttpBufferSize: PAYLOAD_LIMIT_BYTES, cors: { origin: [ALLOWED_ORIGIN] } })
  io.bind(bun)
  const { fetch, websocket, maxRequestBodySize } = bun.handler()
  const server = Bun.serve<WebSocketData>({
    hostname: "127.0.0.1",
    port: 0,
    fetch,
    websocket,
    maxRequestBodySize,
    idleTimeout: IDLE_TIMEOUT_S,
  })
  return server.port as number
}

/** Emits `count` stamped messages to everyone, `everyMs` apart; 0 for as fast as the loop turns. */
async function broadcast(io: Server, count: number, everyMs: number): Promise<void> {
  const payload = { appointmentId: crypto.randomUUID(), status: "CONFIRMED", scheduledAt: "2030-01-01T10:00:00Z" }
  for (let n = 0; n < count; n++) {
    io.local.to("all").emit("e", payload, { n, at: now() })
    if (everyMs > 0) await Bun.sleep(everyMs)
    else if (n % 10 === 9) await new Promise((resolve) => setImmediate(resolve))
  }
}

function onConnection(io: Server, socket: Socket): void {
  socket.join("all")
  const received: number[] = []
  socket.on("number", (n: number) => received.push(n))
  socket.on("received", (answer: (numbers: number[]) => void) => answer(received))
  socket.on("echo", (_body: string, answer: () => void) => answer())
  socket.on("numbers please", async (count: number, everyMs: number) => {
    for (let n = 0; n < count; n++) {
      socket.emit("number", n)
      if (everyMs > 0) await Bun.sleep(everyMs)
    }
  })
  socket.on("flood", (count: number, bytes: number) => {
    for (let n = 0; n < count; n++) socket.emit("number", n, "x".repeat(bytes))
  })
  socket.on("broadcast", (count: number, everyMs: number) => broadcast(io, count, everyMs))
}

if (import.meta.main) {
  const [engine, redisPort] = process.argv.slice(2)
  const io = new Server()
  if (Number(redisPort) > 0) {
    const client = () => new Redis({ host: "127.0.0.1", port: Number(redisPort) })
    io.adapter(createAdapter(client(), client()))
  }
  io.on("connection", (socket) => onConnection(io, socket))
  console.log(await listen(io, engine as EngineName))
  // The comparison ends this process; a dead parent must not leave it behind.
  process.stdin.on("end", () => process.exit(0)).resume()
}
