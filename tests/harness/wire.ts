/** HTTP/1.1 over plain sockets: what is sent is sent as it is, and what comes back is read to the byte. */
import type { Socket } from "bun"

export type WireAnswer = { status: number; headers: Map<string, string>; body: Buffer; ms: number }

const HEAD_END = Buffer.from("\r\n\r\n")
const LINE_END = Buffer.from("\r\n")
const STATUSES_WITHOUT_BODY = new Set([204, 304])

/** The connection ended before there was a whole answer; `received` is what had come. */
export class CutOff extends Error {
  override name = "CutOff"
  constructor(readonly received: Buffer) {
    super(`the connection ended; before that came: ${received.toString("latin1").slice(0, 500)}`)
  }
}

type Waiting = { isHead: boolean; sentAt: number; resolve: (answer: WireAnswer) => void; reject: (error: Error) => void }

/** One connection; requests on it are answered in order. */
export class Wire {
  #received = Buffer.alloc(0)
  #unsent: Buffer = Buffer.alloc(0)
  #waiting: Waiting[] = []
  #socket: Socket | undefined
  isOpen = true
  readonly closed = Promise.withResolvers<void>()

  static async open(port: number): Promise<Wire> {
    const wire = new Wire()
    wire.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_, bytes) => wire.#take(bytes),
        drain: () => wire.#flush(),
        close: () => wire.#end(),
        error: () => wire.#end(),
      },
    })
    return wire
  }

  /** Sends bytes that nobody waits for the answer of. */
  write(bytes: string | Buffer): void {
    this.#unsent = Buffer.concat([this.#unsent, typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes])
    this.#flush()
  }

  /** Sends a request and reads its answer. Rejects with {@link CutOff}. */
  async ask(request: Buffer | string, isHead = false): Promise<WireAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<WireAnswer>()
    if (!this.isOpen) throw new CutOff(this.#received)
    this.#waiting.push({ isHead, sentAt: performance.now(), resolve, reject })
    this.write(request)
    return await promise
  }

  /** All that has come and was no answer to anything asked. */
  get received(): string {
    return this.#received.toString("latin1")
  }

  close(): void {
    this.#socket?.end()
  }

  #flush(): void {
    if (this.#unsent.length === 0 || !this.isOpen) return
    const written = this.#socket?.write(this.#unsent) ?? 0
    if (written > 0) this.#unsent = this.#unsent.subarray(written)
  }

  #take(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#received, bytes])
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      const read = readAnswer(this.#received, first.isHead)
      if (!read) return
      this.#waiting.shift()
      this.#received = this.#received.subarray(read.length)
      first.resolve({ ...read.answer, ms: performance.now() - first.sentAt })
    }
  }

  #end(): void {
    this.isOpen = false
    this.closed.resolve()
    for (const { reject } of this.#waiting.splice(0)) reject(new CutOff(this.#received))
  }
}

/** The first whole answer, and how many bytes it has; undefined while something of it is missing. */
function readAnswer(bytes: Buffer, isHead: boolean): { answer: Omit<WireAnswer, "ms">; length: number } | undefined {
  const headLength = bytes.indexOf(HEAD_END)
  if (headLength < 0) return undefined
  const [statusLine = "", ...lines] = bytes.toString("latin1", 0, headLength).split("\r\n")
  const status = Number(statusLine.split(" ")[1])
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]))
  const start = headLength + HEAD_END.length
  if (status === 100) {
    const next = readAnswer(bytes.subarray(start), isHead)
    return next && { ...next, length: start + next.length }
  }
  const rest = bytes.subarray(start)
  const body = isHead || STATUSES_WITHOUT_BODY.has(status) ? { body: Buffer.alloc(0), length: 0 } : readBody(rest, headers)
  return body && { answer: { status, headers, body: body.body }, length: start + body.length }
}

function readBody(bytes: Buffer, headers: Map<string, string>): { body: Buffer; length: number } | undefined {
  if (headers.get("transfer-encoding") === "chunked") return readChunks(bytes)
  const length = Number(headers.get("content-length") ?? 0)
  return bytes.length < length ? undefined : { body: Buffer.from(bytes.subarray(0, length)), length }
}

function readChunks(bytes: Buffer): { body: Buffer; length: number } | undefined {
  const chunks: Buffer[] = []
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf(LINE_END, at)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16)
    const end = lineEnd + LINE_END.length + size + LINE_END.length
    if (bytes.length < end) return undefined
    if (size === 0) return { body: Buffer.concat(chunks), length: end }
    chunks.push(Buffer.from(bytes.subarray(lineEnd + LINE_END.length, end - LINE_END.length)))
    at = end
  }
}
