/** A window of calls: they count together until it ends. */
export type CallWindow = { calls: number; endsAtMs: number }

/** Of a hundred bytes each. Beyond, those whose window is oldest begin a new one. */
const CALLERS_MAX = 1_000_000

/**
 * Counts calls per caller in windows that begin with a caller's first call. Done here because the library that counts the
 * writes answers through promises and sets a timer a caller: a microsecond, where a search has ten. This takes a fiftieth of one.
 */
export class CallWindows {
  /** In the order in which they end. */
  readonly #windows = new Map<string, CallWindow>()

  constructor(
    /** Calls in one window. */
    readonly max: number,
    readonly windowSeconds: number,
    private readonly callersMax = CALLERS_MAX,
  ) {}

  /** The window that a call at this moment falls into; counting it is up to whoever serves it. */
  of(caller: string, nowMs: number): CallWindow {
    const open = this.#windows.get(caller)
    if (open && nowMs < open.endsAtMs) return open
    if (open) this.#windows.delete(caller)
    this.#forget(nowMs)
    const window = { calls: 0, endsAtMs: nowMs + this.windowSeconds * 1000 }
    this.#windows.set(caller, window)
    return window
  }

  /** Callers remembered. */
  get size(): number {
    return this.#windows.size
  }

  #forget(nowMs: number): void {
    for (const [caller, { endsAtMs }] of this.#windows) {
      if (nowMs < endsAtMs && this.#windows.size < this.callersMax) return
      this.#windows.delete(caller)
    }
  }
}
