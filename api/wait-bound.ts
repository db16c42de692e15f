/** How long whoever is let in now would wait: as many calls as are being served, at the pace at which they were done of late (Little's law). */

/** Long enough that a burst fills every gap, short enough that a person waits for it, and for the answers before it to be written, as long again. */
export const WAIT_MS = 300
/** Waiting that is over by then is a burst, such as of hundreds who want one and the same time, and all of it is served. */
export const BURST_MS = 2_000
/** A time in which others find no room counts as so many times as long: a burst that is as large as all room is rare. */
const REFUSING = 4
/** Long enough to see many calls done, short enough that few have come in when a pace falls. */
const WINDOW_MS = 200
/** While nobody waits that long, nothing says what the pace could be: more are let in, again in each window. */
const MORE = 1.25
/** Each connection is busy, and has the next call waiting: fewer would leave gaps. */
const CALLS_PER_CONNECTION_MIN = 2

/** How many calls may be served at once, so that in an overload that lasts none of them waits much longer than `WAIT_MS`. */
export class WaitBound {
  #bound: number
  #serving = 0
  /** In this window: calls done, and the time that all calls together have been served. */
  #done = 0
  #servedMs = 0
  #hasRefused = false
  #sinceMs: number
  #lastMs: number
  /** For how long calls have waited, less the time in which none did; from BURST_MS on it is an overload, until the bound is the maximum again. */
  #waitingMs = 0

  /** `now`: milliseconds, of a clock that never goes back. */
  constructor(
    private readonly connections: number,
    private readonly max: number,
    private readonly now = () => performance.now(),
  ) {
    this.#bound = max
    this.#sinceMs = this.#lastMs = now()
  }

  /** Between twice the connections and the maximum. */
  get bound(): number {
    return Math.floor(this.#bound)
  }

  get hasRoom(): boolean {
    this.#pass()
    const hasRoom = this.#serving < this.bound
    if (!hasRoom) this.#hasRefused = true
    return hasRoom
  }

  get isOverload(): boolean {
    return this.#waitingMs >= BURST_MS
  }

  begin(): void {
    this.#pass()
    this.#serving++
  }

  end(): void {
    this.#pass()
    this.#serving--
    this.#done++
  }

  /** Of a call that has waited for nothing. */
  giveUp(): void {
    this.#pass()
    this.#serving--
  }

  #pass(): void {
    const nowMs = this.now()
    this.#servedMs += this.#serving * (nowMs - this.#lastMs)
    this.#lastMs = nowMs
    const passedMs = nowMs - this.#sinceMs
    if (passedMs >= WINDOW_MS) this.#decide(passedMs)
  }

  #decide(passedMs: number): void {
    const atOnce = this.#servedMs / passedMs
    // With connections to spare a call takes as long as it takes, and nobody waits for it.
    if (atOnce < this.connections || this.#servedMs <= WAIT_MS * this.#done) this.#letMoreIn(passedMs)
    else this.#letFewerIn(passedMs)
    this.#sinceMs = this.#lastMs
    this.#done = 0
    this.#servedMs = 0
    this.#hasRefused = false
  }

  #letMoreIn(passedMs: number): void {
    this.#bound = this.#clamp(this.#bound * MORE ** (passedMs / WINDOW_MS))
    if (!this.isOverload) this.#waitingMs = Math.max(0, this.#waitingMs - passedMs)
    else if (this.#bound === this.max) this.#waitingMs = 0
  }

  #letFewerIn(passedMs: number): void {
    this.#waitingMs += this.#hasRefused ? REFUSING * passedMs : passedMs
    if (this.isOverload) this.#bound = this.#clamp((this.#done / passedMs) * WAIT_MS)
  }

  #clamp(bound: number): number {
    return Math.min(this.max, Math.max(CALLS_PER_CONNECTION_MIN * this.connections, bound))
  }
}
