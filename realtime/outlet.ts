/** The way out to one client. What may wait there is bounded; who does not read is cut, and resumes elsewhere by the offset. */
import type { WebSocketData } from "@socket.io/bun-engine"
import type { Socket } from "socket.io"

/** An Engine.IO connection: what we use of it, alike on both transports. */
export type Connection = Socket["conn"]
export type BunSocket = Bun.ServerWebSocket<WebSocketData>

/** Little enough left that the client keeps up. */
const DRAINED_BYTES = 64 * 1024
/** What may wait for a client that has stopped polling, in packets: events are under 10 KB and shared between sockets. */
const OUTBOUND_LIMIT_PACKETS = 1_000
/** How Engine.IO marks a message; the engine writes it itself. */
const MESSAGE_TYPE = "4"
/** What Bun answers for a message that found no place in the socket's buffer. */
const REFUSED = 0

export class Outlet {
  #websocket: BunSocket | undefined

  /** `websocketOf`: the open websocket of a transport that is one. */
  constructor(
    private readonly connection: Connection,
    websocketOf: (transport: object) => BunSocket | undefined,
  ) {
    this.#websocket = websocketOf(connection.transport)
    // Told before the engine flushes what waited for a poll, and in the same turn.
    connection.on("upgrade", (transport: object) => {
      this.#websocket = websocketOf(transport)
    })
    // Polling clients have no socket whose buffer Bun could bound.
    connection.on("packetCreate", () => {
      if (this.#waiting === OUTBOUND_LIMIT_PACKETS) queueMicrotask(() => this.cut())
    })
  }

  /**
   * Sends encoded packets, messages all, in order. A websocket gets them in one write, past the engine, which would look at each and write it
   * by itself. What its buffer refuses is refused for good: it is cut at once, so that nothing newer can follow upon the hole.
   */
  send(packets: readonly string[]): void {
    if (!this.#websocket) for (const packet of packets) this.connection.write(packet.slice(MESSAGE_TYPE.length))
    else if (!sendAll(this.#websocket, packets)) this.#websocket.terminate()
  }

  /** Whether what was sent has left, so that more may be sent. */
  get isDrained(): boolean {
    return this.#waiting === 0 && (this.#websocket?.getBufferedAmount() ?? 0) <= DRAINED_BYTES
  }

  /** Ends a connection that does not read, without waiting for it to read the farewell. */
  cut(): void {
    if (this.#websocket) this.#websocket.terminate()
    else this.connection.transport.close()
  }

  get #waiting(): number {
    return (this.connection as unknown as { writeBuffer: unknown[] }).writeBuffer.length
  }
}

/** False when one was refused. */
function sendAll(socket: BunSocket, packets: readonly string[]): boolean {
  const send = (packet: string) => socket.sendText(packet) !== REFUSED
  return packets.length === 1 ? send(packets[0] as string) : socket.cork(() => packets.every(send))
}
