/** A Socket.IO client that costs little: Engine.IO 4 over a websocket (RFC 6455) over a plain socket. It joins one namespace and hears. */
import type { Socket } from "bun"
import { NAMESPACE } from "../../../realtime/packet.ts"

const REQUEST = [
  "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
  "Host: 127.0.0.1",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "\r\n",
].join("\r\n")
const HEAD_END = Buffer.from("\r\n\r\n")
/** In the first byte of a frame. */
const [OPCODE, CLOSE] = [0xf, 8]
/** A payload of up to 125 bytes has its length in the second byte; of up to 64 KiB in the two after it. */
const SHORT_MAX = 125
const [LENGTH_16, MASKED] = [126, 0x80]
const EVENT = Buffer.from(`42${NAMESPACE},["`)
const READY = Buffer.from(`42${NAMESPACE},["stream:ready"`)

export type ClientParts = {
  port: number
  token: string
  /** The packet of an event, valid during the call. */
  heard: (packet: Buffer) => void
  lost: () => void
}

/** A text frame, masked with zeros. */
function frame(text: string): Buffer {
  const payload = Buffer.from(text)
  const { length } = payload
  const size = length <= SHORT_MAX ? [MASKED | length] : [MASKED | LENGTH_16, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([0x81, ...size, 0, 0, 0, 0]), payload])
}

const PONG = frame("3")

/** Resolves when it is in, and caught up. */
export async function connectClient({ port, token, heard, lost }: ClientParts): Promise<void> {
  const ready = Promise.withResolvers<void>()
  const failed = () => {
    ready.reject(new Error("a client was cut off"))
    lost()
  }
  const take = (socket: Socket, packet: Buffer) => {
    if (packet.subarray(0, READY.length).equals(READY)) ready.resolve()
    else if (packet.subarray(0, EVENT.length).equals(EVENT)) heard(packet)
    else if (packet[0] === "2".charCodeAt(0)) socket.write(PONG)
    else if (packet[0] === "0".charCodeAt(0)) socket.write(frame(`40${NAMESPACE},${JSON.stringify({ token })}`))
  }
  const reader = new FrameReader()
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket) => void socket.write(REQUEST),
      data: (socket, bytes) => reader.read(bytes, (packet) => take(socket, packet)),
      close: failed,
      error: failed,
    },
  })
  await ready.promise
}

/** Cuts what a server sends into the payloads of its frames, none of which is masked or in parts. */
class FrameReader {
  #rest: Buffer | undefined
  #upgraded = false

  read(chunk: Buffer, take: (payload: Buffer) => void): void {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk
    let at = this.#upgraded ? 0 : headLength(bytes)
    this.#upgraded ||= at > 0
    while (this.#upgraded && at + 2 <= bytes.length) {
      const short = bytes[at + 1] as number
      const head = short === LENGTH_16 ? 4 : 2
      if (at + head > bytes.length) break
      if (short > LENGTH_16 || ((bytes[at] as number) & OPCODE) === CLOSE) throw new Error("a frame that is none of ours")
      const end = at + head + (short === LENGTH_16 ? bytes.readUInt16BE(at + 2) : short)
      if (end > bytes.length) break
      take(bytes.subarray(at + head, end))
      at = end
    }
    this.#rest = at < bytes.length ? Buffer.from(bytes.subarray(at)) : undefined
  }
}

/** Of the answer to the upgrade, 0 while it is not all there. */
function headLength(bytes: Buffer): number {
  const end = bytes.indexOf(HEAD_END)
  if (end < 0) return 0
  const [status] = bytes.toString("latin1", 0, end).split("\r\n")
  if (!status?.includes(" 101 ")) throw new Error(`no websocket: ${status}`)
  return end + HEAD_END.length
}
