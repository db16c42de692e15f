/**
 * Forwards /socket.io/ to the realtime process where `api` owns the public port. Long polls go through node:http (Bun's
 * fetch runs 256 requests at once and lets the others wait, and a long poll holds its place for half a minute);
 * websockets are relayed message by message, each side held back by the other.
 */
import { Agent, type IncomingMessage, request as requestUpstream } from "node:http"
import { Readable } from "node:stream"
import { readBounded } from "../core/bounded-body.ts"
import { type ClientAddress, createClientAddress } from "../core/client-address.ts"
import type { Log } from "../core/log.ts"
import type { ObserveRequest } from "../core/metrics/requests.ts"
import { urlOf } from "../core/request-url.ts"

const PREFIX = "/socket.io/"
/** A waiting poll is silent for Engine.IO's ping interval of 25 s. */
const POLL_TIMEOUT_S = 60
/** A quarter of a second on one machine would do; a busy one may take longer. */
const CONNECT_TIMEOUT_MS = 5_000
/** What the realtime process takes from a client at once: the larger of the two limits would only move the refusal. */
const INBOUND_LIMIT_BYTES = 64 * 1024
/** What may wait here for either side of a websocket; above it both are closed and the client resumes by its offset. */
const BUFFER_LIMIT_BYTES = 1024 * 1024
/** Long polls under way at once. */
const MAX_POLLS = 20_000
const MAX_IDLE_CONNECTIONS = 256
/** Cut when not even a ping came through: above the 45 s after which Engine.IO gives up by itself. */
const WEBSOCKET_IDLE_TIMEOUT_S = 60
const RETRY_AFTER_S = 1

const SWITCHING_PROTOCOLS = 101
const UNAVAILABLE = 503
/** Nobody is there to be answered: what logs of proxies call it. */
const CLIENT_GONE = 499

const SERVICE_RESTART = 1012
const TRY_AGAIN_LATER = 1013

/** Headers of one connection, not of the message (RFC 9110, section 7.6.1), and those that we state ourselves. */
const NOT_FORWARDED = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "host",
  "content-length",
  "x-forwarded-for",
])

export type ForwardData = { upstream: WebSocket }
type PublicSocket = Bun.ServerWebSocket<ForwardData>

export type Forward = {
  handles(url: string | URL): boolean
  /** undefined once the request has become a websocket. */
  fetch(request: Request, server: Bun.Server<ForwardData>): Promise<Response | undefined>
  websocket: Bun.WebSocketHandler<ForwardData>
  /** Closes every websocket, so that clients come again elsewhere and the server can stop. */
  close(): void
}

export type ForwardOptions = {
  /** Whose X-Forwarded-For is believed. */
  trustedProxies?: string[]
  /** Told of every answer, under the template `/socket.io/`; undefined: nobody measures. */
  observe?: ObserveRequest
}

export function createForward(realtimeUrl: string, log: Log, { trustedProxies = [], observe }: ForwardOptions = {}): Forward {
  const addressOf = createClientAddress(trustedProxies)
  const base = new URL(realtimeUrl)
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_POLLS, maxFreeSockets: MAX_IDLE_CONNECTIONS })
  const open = new Set<PublicSocket>()
  let away = false
  const noteAway = (error?: unknown) => {
    if (away === (error !== undefined)) return
    away = !away
    if (away) log.warn({ err: error }, "the realtime process cannot be reached; clients try again")
    else log.info("the realtime process is reached again")
  }
  return {
    handles: (url) => pathOf(url).startsWith(PREFIX),
    async fetch(request, server) {
      const target = new URL(urlOf(request).search, new URL(PREFIX, base))
      const headers = forwardedHeaders(request, server, addressOf)
      const upgrade = request.headers.get("upgrade")?.toLowerCase() === "websocket"
      const start = performance.now()
      // Polls are many, so they are for whoever looks closely; their query has a session's id in it.
      const note = (status: number) => {
        const ms = performance.now() - start
        observe?.(request.method, PREFIX, status, ms / 1000)
        log.debug({ method: request.method, route: PREFIX, status, ms: Math.round(ms * 1000) / 1000 }, "request")
      }
      try {
        const response = upgrade
          ? await forwardUpgrade(target, headers, request, server)
          : await forwardPoll(agent, target, headers, request, server)
        noteAway()
        note(response?.status ?? SWITCHING_PROTOCOLS)
        return response
      } catch (error) {
        note(request.signal.aborted ? CLIENT_GONE : UNAVAILABLE)
        if (!request.signal.aborted) noteAway(error)
        return unavailable()
      }
    },
    websocket: websocketHandler(open),
    close() {
      for (const ws of open) ws.close(SERVICE_RESTART)
      agent.destroy()
    },
  }
}

function pathOf(url: string | URL): string {
  if (typeof url !== "string") return url.pathname
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("//") + 2)
  return url.slice(start)
}

/** The client's headers, and where it came from as this process knows it: what it was told beyond that, anybody may have sent. */
function forwardedHeaders(request: Request, server: Bun.Server<ForwardData>, addressOf: ClientAddress): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of request.headers) {
    if (!NOT_FORWARDED.has(name) && !name.startsWith("sec-websocket-")) headers[name] = value
  }
  const address = addressOf(server.requestIP(request)?.address, request.headers.get("x-forwarded-for"))
  if (address !== null) headers["x-forwarded-for"] = address
  return headers
}

function problem(status: number, title: string, detail: string, headers: Record<string, string> = {}): Response {
  const body = { type: "about:blank", title, status, detail, instance: PREFIX }
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/problem+json", ...headers } })
}

const unavailable = () =>
  problem(UNAVAILABLE, "Service Unavailable", "Live updates cannot be had at the moment. Try again.", {
    "retry-after": String(RETRY_AFTER_S),
  })

// Long polling ------------------------------------------------------------------------------------------------------

async function forwardPoll(
  agent: Agent,
  target: URL,
  headers: Record<string, string>,
  request: Request,
  server: Bun.Server<ForwardData>,
): Promise<Response> {
  const body = await readBounded(request, INBOUND_LIMIT_BYTES)
  if (body === undefined) return problem(413, "Content Too Large", `At most ${INBOUND_LIMIT_BYTES} bytes.`)
  // Only now: whoever waits for an answer may be silent for long, whoever has a body to send may not.
  server.timeout(request, POLL_TIMEOUT_S)
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const upstream = requestUpstream(
      target,
      { method: request.method, agent, headers: { ...headers, "content-length": body.length } },
      resolve,
    )
    upstream.setTimeout(POLL_TIMEOUT_S * 1000, () => upstream.destroy(new Error("the realtime process does not answer")))
    upstream.on("error", reject)
    // A client that has gone must not leave its poll behind: the next one would be refused as a second at once.
    request.signal.addEventListener("abort", () => upstream.destroy(new Error("the client has gone")))
    upstream.end(body)
  })
  const answered = new Headers()
  for (const [name, value] of Object.entries(answer.headers))
    if (value !== undefined && !NOT_FORWARDED.has(name)) answered.set(name, String(value))
  return new Response(Readable.toWeb(answer) as unknown as ReadableStream, { status: answer.statusCode ?? 502, headers: answered })
}

// Websockets --------------------------------------------------------------------------------------------------------

/**
 * Connects upstream first. A client whose upgrade is refused tries again at once, while one that was let in and then
 * closed would wait out its connect timeout; and so nothing it says can arrive before there is someone to hear it.
 */
async function forwardUpgrade(
  target: URL,
  headers: Record<string, string>,
  request: Request,
  server: Bun.Server<ForwardData>,
): Promise<Response | undefined> {
  target.protocol = "ws:"
  const upstream = new WebSocket(target, { headers, perMessageDeflate: false })
  upstream.binaryType = "nodebuffer"
  // Held back until the client's side is there to take its messages.
  upstream.pause()
  await opened(upstream)
  if (server.upgrade(request, { data: { upstream } })) return undefined
  upstream.close()
  return problem(400, "Bad Request", "This is no websocket handshake.")
}

function opened(upstream: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error("the realtime process does not answer"))
      upstream.terminate()
    }, CONNECT_TIMEOUT_MS)
    upstream.onopen = () => {
      clearTimeout(timer)
      resolve()
    }
    const fail = () => {
      clearTimeout(timer)
      reject(new Error("the realtime process refuses the websocket"))
    }
    upstream.onerror = fail
    upstream.onclose = fail
  })
}

function websocketHandler(open: Set<PublicSocket>): Bun.WebSocketHandler<ForwardData> {
  return {
    open(ws) {
      const { upstream } = ws.data
      open.add(ws)
      upstream.onmessage = ({ data }) => {
        // -1: taken, but the client is slower than we are. Then the realtime process has to wait, and knows it.
        if (ws.send(data as string | Buffer) === -1) upstream.pause()
      }
      upstream.onclose = ({ code, reason }) => (serverMayState(code) ? ws.close(code, reason) : ws.close(TRY_AGAIN_LATER))
      upstream.onerror = () => {}
      // It may have ended between its opening and ours.
      if (upstream.readyState !== WebSocket.OPEN) ws.close(TRY_AGAIN_LATER)
      else upstream.resume()
    },
    message(ws, message) {
      const { upstream } = ws.data
      if (upstream.readyState !== WebSocket.OPEN) return
      upstream.send(message)
      if (upstream.bufferedAmount > BUFFER_LIMIT_BYTES) ws.close(TRY_AGAIN_LATER)
    },
    drain(ws) {
      ws.data.upstream.resume()
    },
    close(ws, code, reason) {
      const { upstream } = ws.data
      open.delete(ws)
      upstream.onclose = null
      upstream.onmessage = null
      // Paused, it would never see the answer to its farewell.
      upstream.resume()
      if (clientMayState(code)) upstream.close(code, reason)
      else upstream.close()
    },
    maxPayloadLength: INBOUND_LIMIT_BYTES,
    backpressureLimit: BUFFER_LIMIT_BYTES,
    closeOnBackpressureLimit: true,
    idleTimeout: WEBSOCKET_IDLE_TIMEOUT_S,
    perMessageDeflate: false,
  }
}

/** The codes that a server may state: not those that only say how a connection was lost (RFC 6455, section 7.4). */
function serverMayState(code: number): boolean {
  return (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || clientMayState(code)
}

/** Fewer: what WebSocket.close takes. */
function clientMayState(code: number): boolean {
  return code === 1000 || (code >= 3000 && code <= 4999)
}
