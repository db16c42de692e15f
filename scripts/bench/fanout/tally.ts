/** Counts what clients hear, and holds each delivery against what the first to hear it got: nothing is missing, twice, changed or out of place. */

const OFFSET = Buffer.from('"offset":')

export type Outcome = { heard: number; faults: number }

export class Tally {
  /** Of each client, how many events of this round it has heard. */
  readonly #heard: Int32Array
  #events: Buffer[] = []
  #arrivals: Float64Array = new Float64Array(0)
  #wanted = 0
  #left = 0
  #faults = 0
  #lastOffset: number | undefined
  #done = Promise.withResolvers<void>()

  constructor(readonly clients: number) {
    this.#heard = new Int32Array(clients)
  }

  /** Each client is to hear so many events from now on. */
  expect(events: number): void {
    this.#heard.fill(0)
    this.#events = []
    this.#wanted = events
    this.#left = events * this.clients
    this.#faults = 0
    this.#arrivals = new Float64Array(this.#left)
    this.#done = Promise.withResolvers<void>()
  }

  hear(client: number, packet: Buffer, now: number): void {
    const place = this.#heard[client] as number
    this.#heard[client] = place + 1
    if (place >= this.#wanted) {
      this.#faults++
      return
    }
    if (place === this.#events.length) this.#first(packet)
    else if (!packet.equals(this.#events[place] as Buffer)) this.#faults++
    this.#arrivals[place * this.clients + client] = now
    if (--this.#left === 0) this.#done.resolve()
  }

  /** Resolves when all has been heard, or after the timeout with what is missing among the faults. */
  async outcome(timeoutMs: number): Promise<Outcome> {
    const over = Promise.withResolvers<void>()
    const timer = setTimeout(over.resolve, timeoutMs)
    await Promise.race([this.#done.promise, over.promise])
    clearTimeout(timer)
    return { heard: this.#wanted * this.clients - this.#left, faults: this.#faults + this.#left }
  }

  /** How long after its start each event reached each client, sorted. Only when all has been heard. */
  latencies(starts: number[]): Float64Array {
    return this.#arrivals.map((at, n) => at - (starts[Math.floor(n / this.clients)] as number)).sort()
  }

  /** The last arrival. */
  get end(): number {
    return this.#arrivals.reduce((last, at) => Math.max(last, at), 0)
  }

  /** The first client to hear an event shows what the others must hear; its offset is the next one. */
  #first(packet: Buffer): void {
    const at = packet.indexOf(OFFSET) + OFFSET.length
    const offset = Number.parseInt(packet.toString("latin1", at, at + 16), 10)
    if (Number.isNaN(offset) || offset !== (this.#lastOffset ?? offset - 1) + 1) this.#faults++
    this.#lastOffset = offset
    this.#events.push(Buffer.from(packet))
  }
}
