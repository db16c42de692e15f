/**
 * Calls and handshakes that were turned away unheard, without a valid token or as one too many, on their way into the audit. Anybody may make
 * any number of these, so each caller has a few a minute and the whole process not many more: a stranger at every door is seen, and a flood
 * of them does not fill the log. The others are counted, and the counts written down within a minute, so that the chain says what it lacks.
 */
import { CallWindows } from "../call-windows.ts"
import type { Log } from "../log.ts"
import { within } from "../time.ts"
import { type Act, type Actor, entriesOf } from "./entry.ts"
import type { Recorder } from "./recorder.ts"

const WINDOW_SECONDS = 60
/** Of one caller: a token that has run out is tried again a few times, and who tries doors shows it by as many. */
export const UNHEARD_A_CALLER = 10
/** Of everybody: 170,000 rows a day at worst, which is some 60 MB; the counts are a few rows a minute. */
export const UNHEARD_A_PROCESS = 120
/** Who comes from many addresses is met by the bound of the process; this one is of memory. */
const CALLERS_MAX = 10_000
/** A process that stops does not wait longer for a database that does not answer. */
const CLOSE_WITHIN_MS = 1_000

const ANYBODY: Actor = { uid: null, role: null, address: null }

export class Unheard {
  readonly #each: CallWindows
  readonly #all: CallWindows
  /** By what was tried and why it was refused, of which there are some dozens: how many are not written down. */
  readonly #unwritten = new Map<string, { act: Act; count: number }>()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(
    private readonly recorder: Recorder,
    private readonly log: Log,
    private readonly windowSeconds = WINDOW_SECONDS,
  ) {
    this.#each = new CallWindows(UNHEARD_A_CALLER, windowSeconds, CALLERS_MAX)
    this.#all = new CallWindows(UNHEARD_A_PROCESS, windowSeconds)
  }

  /** Resolves when it is committed; at once where it is only counted. */
  async record(actor: Actor, act: Act): Promise<void> {
    if (this.#mayWrite(actor.uid ?? actor.address ?? "")) await this.recorder.record(entriesOf(actor, act))
    else this.#count(act, 1)
  }

  /** Writes down what was counted so far. */
  async close(): Promise<void> {
    this.#closed = true
    const unwritten = this.#unwritten.values().reduce((sum, { count }) => sum + count, 0)
    if (await within(CLOSE_WITHIN_MS, this.#writeCounts(), false)) return
    this.log.warn({ unwritten }, "how many calls were turned away unheard could not be written into the audit")
  }

  #mayWrite(caller: string): boolean {
    const now = Date.now()
    const [own, everybody] = [this.#each.of(caller, now), this.#all.of("", now)]
    if (own.calls >= this.#each.max) return false
    own.calls++
    everybody.calls++
    if (everybody.calls === this.#all.max + 1)
      this.log.warn("more calls are turned away unheard than are written into the audit this minute: the others are counted")
    return everybody.calls <= this.#all.max
  }

  #count(act: Act, calls: number): void {
    const key = `${act.action} ${act.resource} ${act.outcome}`
    const count = (this.#unwritten.get(key)?.count ?? 0) + calls
    this.#unwritten.set(key, { act: { ...act, ids: [] }, count })
    if (this.#closed) return
    this.#timer ??= setTimeout(() => void this.#writeCounts(), this.windowSeconds * 1000).unref()
  }

  /** What cannot be written down now is with the next minute's. */
  async #writeCounts(): Promise<boolean> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const counted = [...this.#unwritten.values()]
    this.#unwritten.clear()
    if (counted.length === 0) return true
    try {
      await this.recorder.record(counted.flatMap(({ act, count }) => entriesOf(ANYBODY, { ...act, unwritten: count })))
      return true
    } catch (error) {
      this.log.warn({ err: error }, "what was left out of the audit cannot be written down yet")
      for (const { act, count } of counted) this.#count(act, count)
      return false
    }
  }
}
