/**
 * Connections for postgres.js 3.4.9 that survive being broken. Two faults of the driver would otherwise stop a pool for
 * good, a connection at a time, when Postgres restarts or cuts a session under load:
 *
 * - It rejects the queries of a broken connection at the socket's "error" and gives the connection up at its "close".
 *   What is sent in between, as the callers of those rejected queries do, is never answered, nor is anything later on
 *   that connection. So these sockets tell of an error only when they close.
 * - It gathers small writes for one tick. When the connection closes in that tick, the timer is cleared but remembered:
 *   the next connection's first message waits for ever behind bytes of the last one's. A message of 1,024 bytes or more
 *   is sent at once, and clears both. So the first message is made that long, and the stale bytes before it are dropped.
 */
import { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { type SslMode, TlsConnection } from "./pg-tls.ts"

/** What the driver passes in: lists, because a URL may name several hosts. */
type Target = { host: string[]; port: number[]; path?: string | false }

/** The driver sends a message of this size at once. */
const SENT_AT_ONCE_BYTES = 1_024
/** The version number in the first message of a connection. */
const PROTOCOL_3_0 = 196_608

/** A session setting without meaning, which makes the first message long. */
export const startupPadding = { "pulsecal.padding": "x".repeat(SENT_AT_ONCE_BYTES) }

export function socketsFor(sslMode: SslMode): (target: Target) => Duplex {
  let attempts = 0
  return ({ host, port, path }) => {
    const turn = attempts++ % port.length
    if (sslMode !== "disable" && !path)
      return startingClean(holdingErrors(new TlsConnection(host[turn] as string, port[turn] as number, sslMode)))
    const socket = startingClean(holdingErrors(new Socket()))
    // Not connected yet: what the driver writes meanwhile waits in the socket.
    if (path) return socket.connect(path)
    // The driver reads both back, for messages and for the certificate's name.
    Object.assign(socket, { host: host[turn], port: port[turn] })
    return socket.connect(port[turn] as number, host[turn] as string)
  }
}

function holdingErrors<S extends Duplex>(socket: S): S {
  const emit = socket.emit.bind(socket) as (event: string, ...values: unknown[]) => boolean
  let held: unknown
  socket.emit = (event: string, ...values: unknown[]) => {
    if (event === "error") {
      held = values[0]
      return true
    }
    if (event === "close" && held !== undefined) emit("error", held)
    return emit(event, ...values)
  }
  return socket
}

function startingClean<S extends Duplex>(socket: S): S {
  const write = socket.write.bind(socket) as (...values: unknown[]) => boolean
  socket.write = (chunk: unknown, ...rest: unknown[]) => {
    socket.write = write as S["write"]
    return write(Buffer.isBuffer(chunk) ? chunk.subarray(startOfStartup(chunk)) : chunk, ...rest)
  }
  return socket
}

/** Where the first message begins: it is the last in the buffer, and tells its own length and version. */
function startOfStartup(chunk: Buffer): number {
  for (let at = 0; at + 8 <= chunk.length; at++)
    if (chunk.readInt32BE(at) === chunk.length - at && chunk.readInt32BE(at + 4) === PROTOCOL_3_0) return at
  return 0
}
