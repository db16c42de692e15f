/**
 * A connection to Postgres over TLS, which the driver takes for a plain one. Left to postgres.js 3.4.9, TLS would come between the driver
 * and the socket of pg-socket.ts: a session that the server cuts would then be waited for without end, as it was when tried.
 */
import { isIP, Socket } from "node:net"
import { Duplex } from "node:stream"
import { connect as secure } from "node:tls"

/** As libpq has them in a URL's `sslmode`, but for `verify-ca`, which checks the host's name too. */
export const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const
export type SslMode = (typeof SSL_MODES)[number]

/** The message SSLRequest: its length and the number that stands for it (PostgreSQL manual, "Message Formats"). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const YES = "S".charCodeAt(0)

const sslModeIn = (url: string) => (URL.canParse(url) ? new URL(url).searchParams.get("sslmode") : null) ?? "disable"

/** Whether the URL names a mode that there is, or none. */
export function hasSslMode(url: string): boolean {
  return (SSL_MODES as readonly string[]).includes(sslModeIn(url))
}

/** What the URL says; the strictest for what no mode is called. */
export function sslModeOf(url: string): SslMode {
  return hasSslMode(url) ? (sslModeIn(url) as SslMode) : "verify-full"
}

export class TlsConnection extends Duplex {
  readonly #raw = new Socket()
  /** Where bytes go once both sides are ready. */
  #open: Socket | undefined
  /** What was written before. The stream hands over one chunk at a time. */
  #waiting: (() => void) | undefined

  constructor(
    readonly host: string,
    readonly port: number,
    private readonly mode: SslMode,
  ) {
    super()
    this.#raw.once("connect", () => this.#raw.write(SSL_REQUEST))
    this.#raw.once("data", (answer: Buffer) => this.#negotiated(answer))
    this.#closeWith(this.#raw)
    this.#raw.connect(port, host)
  }

  get readyState(): "opening" | "open" | "closed" {
    return this.destroyed ? "closed" : this.#open ? "open" : "opening"
  }

  setKeepAlive(on: boolean, delayMs: number): this {
    this.#raw.setKeepAlive(on, delayMs)
    return this
  }

  #negotiated(answer: Buffer): void {
    const takesPlain = this.mode === "allow" || this.mode === "prefer"
    // Anything that follows in the clear was not sent by the server alone (CVE-2021-23222).
    if (answer.length !== 1) this.destroy(new Error("the server's answer to a request for TLS is not one"))
    else if (answer[0] === YES) this.#secure()
    else if (takesPlain) this.#opened(this.#raw)
    else this.destroy(new Error("the server does not speak TLS, which sslmode asks for"))
  }

  #secure(): void {
    const rejectUnauthorized = this.mode === "verify-ca" || this.mode === "verify-full"
    const socket = secure({ socket: this.#raw, rejectUnauthorized, host: this.host, ...(isIP(this.host) ? {} : { servername: this.host }) })
    this.#closeWith(socket)
    socket.once("secureConnect", () => this.#opened(socket))
  }

  #closeWith(socket: Socket): void {
    socket.on("error", (error) => this.destroy(error))
    socket.on("close", () => this.destroy())
  }

  #opened(socket: Socket): void {
    this.#open = socket
    socket.on("data", (bytes) => {
      if (!this.push(bytes)) socket.pause()
    })
    this.#waiting?.()
    this.#waiting = undefined
  }

  override _read(): void {
    this.#open?.resume()
  }

  override _write(bytes: Buffer, _: string, done: (error?: Error | null) => void): void {
    if (this.#open) this.#open.write(bytes, done)
    else this.#waiting = () => this.#open?.write(bytes, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    ;(this.#open ?? this.#raw).end()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#open?.destroy()
    this.#raw.destroy()
    done(error)
  }
}
