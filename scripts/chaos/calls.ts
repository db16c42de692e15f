/** One call through the edge, sent again until it is answered, as a careful client would; each try is written down. */
import type { Call } from "./evidence.ts"

/** A frozen process takes five seconds to come back: a client that waits less meets both sides of it. */
const TRY_TIMEOUT_MS = 4_000
/** Longer than any fault and what follows from it. */
const GIVE_UP_AFTER_MS = 40_000
const FIRST_PAUSE_MS = 50
const PAUSE_MAX_MS = 1_000

export type Caller = { uid: string; token: string }
export type Asked = Pick<Call, "method" | "path" | "body" | "key">

export class Calls {
  readonly made: Call[] = []
  readonly #underWay = new Set<Call>()
  #stopped = false

  constructor(
    private readonly url: string,
    private readonly giveUpAfterMs = GIVE_UP_AFTER_MS,
  ) {}

  /** Those that are under way go on until they are answered or give up. */
  stop(): void {
    this.#stopped = true
  }

  get stopped(): boolean {
    return this.#stopped
  }

  /** Lets go of those that have come to their end. */
  takeFinished(): Call[] {
    const { underWay = [], finished = [] } = Object.groupBy(this.made.splice(0), (call) =>
      this.#underWay.has(call) ? "underWay" : "finished",
    )
    this.made.push(...underWay)
    return finished
  }

  /** The answer, whatever it is; undefined when none came. */
  async make(caller: Caller, asked: Asked): Promise<Call["answer"]> {
    const call: Call = { who: caller.uid, ...asked, attempts: [] }
    this.made.push(call)
    this.#underWay.add(call)
    return await this.#untilAnswered(call, caller, asked).finally(() => this.#underWay.delete(call))
  }

  async #untilAnswered(call: Call, caller: Caller, asked: Asked): Promise<Call["answer"]> {
    const deadline = Date.now() + this.giveUpAfterMs
    for (let pauseMs = FIRST_PAUSE_MS; Date.now() < deadline; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      const at = Date.now()
      const outcome = await this.#try(caller, asked)
      call.attempts.push({ at, ms: Date.now() - at, outcome: typeof outcome === "string" ? outcome : outcome.status })
      if (typeof outcome !== "string") {
        call.answer = outcome
        if (!shouldRepeat(outcome)) return outcome
      }
      await Bun.sleep(pauseMs)
    }
    return undefined
  }

  async #try({ token }: Caller, { method, path, body, key }: Asked): Promise<NonNullable<Call["answer"]> | string> {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` }
    if (body) headers["content-type"] = "application/json"
    if (key) headers["idempotency-key"] = key
    try {
      const response = await fetch(`${this.url}/api/v1${path}`, {
        method,
        headers,
        body: body && JSON.stringify(body),
        keepalive: false,
        signal: AbortSignal.timeout(TRY_TIMEOUT_MS),
      })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    } catch (error) {
      return error instanceof Error ? error.name : "no answer"
    }
  }
}

/** Not now, or while its first sending is still at work. */
function shouldRepeat({ status, body }: NonNullable<Call["answer"]>): boolean {
  return status === 503 || status === 429 || (status === 409 && String(body.detail).includes("in flight"))
}
