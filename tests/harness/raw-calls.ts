/** Calls over connections of our own: Bun's fetch runs 256 at once and lets the others wait, which would hide an overload from the server. */
import { connect, type Socket } from "node:net"

export type RawAnswer = { status: number; head: string }
type Line = { socket: Socket; waiting?: (answer: RawAnswer | undefined) => void; received: Buffer }

export class RawCalls {
  readonly #idle: Line[] = []
  readonly #all = new Set<Line>()

  constructor(
    private readonly port: number,
    private readonly headers: Record<string, string>,
  ) {}

  /** Undefined when no answer came within the bound; its connection is closed, as by someone who has gone. */
  get(path: string, timeoutMs: number): Promise<RawAnswer | undefined> {
    return this.#call(`GET ${path}`, {}, "", timeoutMs)
  }

  post(path: string, body: unknown, timeoutMs: number): Promise<RawAnswer | undefined> {
    const text = JSON.stringify(body)
    const about = { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) }
    return this.#call(`POST ${path}`, about, text, timeoutMs)
  }

  #call(target: string, about: Record<string, string>, body: string, timeoutMs: number): Promise<RawAnswer | undefined> {
    const line = this.#idle.pop() ?? this.#open()
    return new Promise((resolve) => {
      const timer = setTimeout(() => line.socket.destroy(), timeoutMs)
      line.waiting = (answer) => {
        clearTimeout(timer)
        line.waiting = undefined
        if (answer) this.#idle.push(line)
        resolve(answer)
      }
      const headers = Object.entries({ host: "127.0.0.1", ...this.headers, ...about }).map(([name, value]) => `${name}: ${value}\r\n`)
      line.socket.write(`${target} HTTP/1.1\r\n${headers.join("")}\r\n${body}`)
    })
  }

  close(): void {
    for (const { socket } of this.#all) socket.destroy()
  }

  #open(): Line {
    const line: Line = { socket: connect(this.port, "127.0.0.1"), received: Buffer.alloc(0) }
    this.#all.add(line)
    line.socket.on("data", (bytes: Buffer) => {
      line.received = Buffer.concat([line.received, bytes])
      const answer = take(line)
      if (answer) line.waiting?.(answer)
    })
    line.socket.on("error", () => {})
    line.socket.on("close", () => {
      this.#all.delete(line)
      line.waiting?.(undefined)
    })
    return line
  }
}

/** The answer, once all of it is there. */
function take(line: Line): RawAnswer | undefined {
  const end = line.received.indexOf("\r\n\r\n")
  if (end < 0) return undefined
  const head = line.received.toString("latin1", 0, end)
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
  if (line.received.length < end + 4 + length) return undefined
  line.received = line.received.subarray(end + 4 + length)
  return { status: Number(head.slice(9, 12)), head }
}
