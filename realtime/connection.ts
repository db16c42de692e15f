/** Socket.IO's engine on `Bun.serve`: who may knock, how much may come in, and how much may wait to go out. */
import { Server as BunEngine, type WebSocketData } from "@socket.io/bun-engine"
import { type ClientAddress, createClientAddress } from "../core/client-address.ts"
import { type BunSocket, type Connection, Outlet } from "./outlet.ts"

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
/** Each holds some 20 KB and a file descriptor. */
export const MAX_CONNECTIONS = 50_000
/** Seconds until a turned away client should try again. */
const RETRY_AFTER_S = 5
/** What the engine answers where Bun does not upgrade, and nowhere else. */
const NOT_UPGRADED = 500

export type EngineTuning = { maxConnections?: number; pingIntervalMs?: number; pingTimeoutMs?: number }
export type EngineOptions = { corsOrigins: string[]; trustedProxies: string[] } & EngineTuning

export class Engine {
  readonly engine: BunEngine
  readonly websocket: Bun.WebSocketHandler<WebSocketData>
  /**
   * While false, new connections get 503 and those that stand go on. Clients try again after that by themselves, as they
   * would not after a refusal by the namespace.
   */
  accepting = false
  #connections = 0
  #websockets = new WeakMap<object, BunSocket>()
  #known = new WeakMap<object, { outlet: Outlet; address: string | null }>()
  /** Where the requests came from that may begin a connection. */
  #callers = new WeakMap<Request, string | null>()
  readonly #addressOf: ClientAddress

  constructor(private readonly options: EngineOptions) {
    this.#addressOf = createClientAddress(options.trustedProxies)
    this.engine = new BunEngine({
      path: SOCKET_PATH,
      pingInterval: options.pingIntervalMs ?? PING_INTERVAL_MS,
      pingTimeout: options.pingTimeoutMs ?? PING_TIMEOUT_MS,
      maxHttpBufferSize: INBOUND_LIMIT_BYTES,
    })
    this.engine.on("connection", (connection, request) => {
      this.#connections++
      connection.once("close", () => this.#connections--)
      // Typed for Engine.IO on Node; what an outlet uses of it is the same here.
      const outlet = new Outlet(connection as unknown as Connection, (transport) => this.#websockets.get(transport))
      this.#known.set(connection, { outlet, address: this.#callers.get(request) ?? null })
    })
    this.websocket = this.#websocketHandler()
  }

  get connections(): number {
    return this.#connections
  }

  /** `peer`: the address that the request comes from, as the server has it. */
  async handle(request: Request, server: Bun.Server<WebSocketData>, peer?: string): Promise<Response> {
    const cors = corsHeaders(this.options.corsOrigins, request.headers.get("origin"))
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: cors })
    const full = !this.accepting || this.#connections >= (this.options.maxConnections ?? MAX_CONNECTIONS)
    const { searchParams } = new URL(request.url)
    // As the engine reads it: an empty one is none.
    const isNew = !searchParams.get("sid")
    if (isNew) this.#callers.set(request, this.#addressOf(peer, request.headers.get("x-forwarded-for")))
    const response =
      full && isNew
        ? new Response(null, { status: 503, headers: { "Retry-After": String(RETRY_AFTER_S) } })
        : await this.#enter(request, server, searchParams.get("transport"))
    for (const [name, value] of cors) response?.headers.set(name, value)
    return response
  }

  /** What is no websocket's handshake is the caller's fault: the engine would take it for a poll, or call it a fault of ours. */
  async #enter(request: Request, server: Bun.Server<WebSocketData>, transport: string | null): Promise<Response> {
    if (request.headers.has("upgrade") !== (transport === "websocket")) return badRequest()
    const response = await this.engine.handleRequest(request, server)
    return response.status === NOT_UPGRADED ? badRequest() : response
  }

  /** Of a connection that this engine has told of. */
  outletOf(connection: Connection): Outlet {
    return this.#known.get(connection)?.outlet as Outlet
  }

  /** Where it comes from; null where nobody knows. */
  addressOf(connection: Connection): string | null {
    return this.#known.get(connection)?.address ?? null
  }

  #websocketHandler(): Bun.WebSocketHandler<WebSocketData> {
    return {
      open: (ws) => {
        this.#websockets.set(ws.data.transport, ws)
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

/** In Engine.IO's words. */
const badRequest = () => Response.json({ code: 3, message: "Bad request" }, { status: 400 })

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
