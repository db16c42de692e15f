/** Socket.IO's engine on `Bun.serve`: who may knock, how much may come in, and how much may wait to go out. */
import { Server as BunEngine, type WebSocketData } from "@socket.io/bun-engine"
import type { Socket } from "socket.io"

export const SOCKET_PATH = "/socket.io/"
/** Engine.IO's own defaults, named because the idle timeouts must lie above them. */
const PING_INTERVAL_MS = 25_000
const PING_TIMEOUT_MS = 20_000
/** A waiting poll is silent for one ping interval; a dead connection need not be kept much longer. */
export const IDLE_TIMEOUT_S = (2 * PING_INTERVAL_MS) / 1000
/** A client says its token and little else. */
export const INBOUND_LIMIT_BYTES = 64 * 1024
/** What may wait for a slow websocket; above it the client is cut and resumes by its offset. */
const OUTBOUND_LIMIT_BYTES = 1024 * 1024
/** The same for a client that has stopped polling, in packets: events are under 10 KB and shared between sockets. */
const OUTBOUND_LIMIT_PACKETS = 1_000
/** Little enough left that the client keeps up. */
const DRAINED_BYTES = 64 * 1024
/** Each holds some 20 KB and a file descriptor. */
export const MAX_CONNECTIONS = 50_000
/** How Engine.IO marks a message; the engine writes it itself. */
const MESSAGE_TYPE = "4"
/** What Bun answers for a message that found no place in the socket's buffer. */
const REFUSED = 0
/** Seconds until a turned away client should try again. */
const RETRY_AFTER_S = 5

type BunSocket = Bun.ServerWebSocket<WebSocketData>
/** An Engine.IO connection: what we use of it, alike on both transports. */
export type Connection = Socket["conn"]

export type EngineOptions = { corsOrigins: string[]; maxConnections?: number }

export class Engine {
  readonly engine: BunEngine
  readonly websocket: Bun.WebSocketHandler<WebSocketData>
  /**
   * While false, new connections get 503 and those that stand go on. Clients try again after that by themselves, as they
   * would not after a refusal by the namespace.
   */
  accepting = false
  #connections = 0
  #sockets = new WeakMap<object, BunSocket>()

  constructor(private readonly options: EngineOptions) {
    this.engine = new BunEngine({
      path: SOCKET_PATH,
      pingInterval: PING_INTERVAL_MS,
      pingTimeout: PING_TIMEOUT_MS,
      maxHttpBufferSize: INBOUND_LIMIT_BYTES,
    })
    this.engine.on("connection", (connection) => {
      this.#connections++
      connection.once("close", () => this.#connections--)
      this.#boundQueue(connection as unknown as Connection)
    })
    this.websocket = this.#websocketHandler()
  }

  get connections(): number {
    return this.#connections
  }

  async handle(request: Request, server: Bun.Server<WebSocketData>): Promise<Response> {
    const cors = corsHeaders(this.options.corsOrigins, request.headers.get("origin"))
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: cors })
    const full = !this.accepting || this.#connections >= (this.options.maxConnections ?? MAX_CONNECTIONS)
    const response =
      full && !new URL(request.url).searchParams.has("sid")
        ? new Response(null, { status: 503, headers: { "Retry-After": String(RETRY_AFTER_S) } })
        : await this.engine.handleRequest(request, server)
    for (const [name, value] of cors) response?.headers.set(name, value)
    return response
  }

  /**
   * Sends encoded packets, messages all, in order. A websocket gets them in one write, past the engine, which would encode and write each
   * by itself. What its buffer refuses is refused for good: it is cut then, before anything newer could follow upon the hole.
   */
  send(connection: Connection, packets: readonly string[]): void {
    const socket = this.#sockets.get(connection.transport)
    if (connection.readyState !== "open") return
    if (!socket || waitingPackets(connection) > 0) for (const packet of packets) connection.write(packet.slice(MESSAGE_TYPE.length))
    else if (!sendAll(socket, packets)) socket.terminate()
  }

  /** Whether what was sent has left, so that more may be sent. */
  isDrained(connection: Connection): boolean {
    const socket = this.#sockets.get(connection.transport)
    return waitingPackets(connection) === 0 && (socket?.getBufferedAmount() ?? 0) <= DRAINED_BYTES
  }

  /** Ends a connection that does not read, without waiting for it to read the farewell. */
  cut(connection: Connection): void {
    const socket = this.#sockets.get(connection.transport)
    if (socket) socket.terminate()
    else connection.transport.close()
  }

  /** Polling clients have no socket whose buffer Bun could bound. */
  #boundQueue(connection: Connection): void {
    connection.on("packetCreate", () => {
      if (waitingPackets(connection) === OUTBOUND_LIMIT_PACKETS) queueMicrotask(() => this.cut(connection))
    })
  }

  #websocketHandler(): Bun.WebSocketHandler<WebSocketData> {
    return {
      open: (ws) => {
        this.#sockets.set(ws.data.transport, ws)
        this.engine.onWebSocketOpen(ws)
      },
      message: (ws, message) => this.engine.onWebSocketMessage(ws, message),
      close: (ws, code, reason) => this.engine.onWebSocketClose(ws, code, reason),
      maxPayloadLength: INBOUND_LIMIT_BYTES,
      backpressureLimit: OUTBOUND_LIMIT_BYTES,
      // Without this Bun drops what is above the limit and says nothing.
      closeOnBackpressureLimit: true,
      perMessageDeflate: false,
    }
  }
}

/** False when one was refused. */
function sendAll(socket: BunSocket, packets: readonly string[]): boolean {
  const send = (packet: string) => socket.sendText(packet) !== REFUSED
  return packets.length === 1 ? send(packets[0] as string) : socket.cork(() => packets.every(send))
}

function waitingPackets(connection: Connection): number {
  return (connection as unknown as { writeBuffer: unknown[] }).writeBuffer.length
}

/** The engine's own would answer a refused origin with the header `false`. */
export function corsHeaders(allowed: string[], origin: string | null): Headers {
  const headers = new Headers()
  if (allowed.length > 0 && !allowed.includes("*")) headers.set("Vary", "Origin")
  if (origin === null || !(allowed.includes("*") || allowed.includes(origin))) return headers
  headers.set("Access-Control-Allow-Origin", allowed.includes("*") ? "*" : origin)
  headers.set("Access-Control-Allow-Methods", "GET, POST")
  headers.set("Access-Control-Allow-Headers", "Content-Type")
  headers.set("Access-Control-Max-Age", "600")
  // Sticky sessions of an edge are cookies; the wildcard and credentials exclude each other.
  if (!allowed.includes("*")) headers.set("Access-Control-Allow-Credentials", "true")
  return headers
}
