/**
 * Tells "the token is bad" from "the other side did not answer".
 *
 * firebase-admin reports both as the same error, waits without bound for an answer, and repeats a failed call for up to seven seconds.
 * So each request is watched where it leaves the process, in the agent: what fails there fails the caller at once, as an `UpstreamFailure`.
 */
import { AsyncLocalStorage } from "node:async_hooks"
import type { Agent, ClientRequest, IncomingMessage } from "node:http"

/** From the request to the last byte of its answer. A caller is waiting; Google answers in tens of milliseconds. */
const ANSWER_TIMEOUT_MS = 3_000
/** After a failure nothing is sent for this long, so that an outage costs one waiting request a second and not one a caller. */
const PAUSE_MS = 1_000
/** Google's certificates are 4 kB; an answer beyond this is something else. */
const MAX_ANSWER_BYTES = 262_144

export const RETRY_AFTER_SECONDS = 1

/** The other side is away or answers nonsense. Its message holds nothing that it sent. */
export class UpstreamFailure extends Error {
  override name = "UpstreamFailure"
}

export type Answer = { status: number; header(name: string): string | undefined; body: string }
/** Says what is wrong with an answer, if anything is. */
export type Judge = (answer: Answer) => string | undefined

type Fail = (failure: UpstreamFailure) => void
/** Not in Node's documentation, but what every agent package builds on: each request passes here with all its events still ahead. */
type Dispatcher = { addRequest(request: ClientRequest, ...rest: unknown[]): void }

export class Upstream {
  readonly #callers = new AsyncLocalStorage<Fail>()
  #pausedUntilMs = 0

  /** Watches every request that goes through `agent` from now on. */
  constructor(
    agent: Agent,
    private readonly judge: Judge,
  ) {
    const dispatcher = agent as Agent & Dispatcher
    const send = dispatcher.addRequest.bind(agent)
    dispatcher.addRequest = (request, ...rest) => {
      if (this.#watch(request)) send(request, ...rest)
    }
  }

  /** Does `work`; rejects with an `UpstreamFailure` as soon as a request that `work` makes has failed. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const failure = Promise.withResolvers<never>()
    return await Promise.race([this.#callers.run(failure.reject, work), failure.promise])
  }

  /** False when the request must not be sent. */
  #watch(request: ClientRequest): boolean {
    const caller = this.#callers.getStore()
    if (performance.now() < this.#pausedUntilMs) {
      caller?.(new UpstreamFailure("failed a moment ago and is not asked again yet"))
      request.destroy()
      return false
    }
    const fail = (reason: string) => {
      clearTimeout(deadline)
      this.#pausedUntilMs = performance.now() + PAUSE_MS
      caller?.(new UpstreamFailure(reason))
    }
    const deadline = setTimeout(() => {
      fail(`no complete answer within ${ANSWER_TIMEOUT_MS} ms`)
      request.destroy()
    }, ANSWER_TIMEOUT_MS)
    request.once("error", (error: NodeJS.ErrnoException) => fail(`the request failed: ${error.code ?? error.name}`))
    request.once("close", () => clearTimeout(deadline))
    request.once("response", (response: IncomingMessage) => this.#read(response, fail, request))
    return true
  }

  #read(response: IncomingMessage, fail: (reason: string) => void, request: ClientRequest): void {
    const chunks: Buffer[] = []
    let bytes = 0
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= MAX_ANSWER_BYTES) return chunks.push(chunk)
      fail(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`)
      request.destroy()
    })
    response.once("error", () => fail("the answer broke off"))
    response.once("aborted", () => fail("the answer broke off"))
    response.once("end", () => {
      const header = (name: string) => [response.headers[name]].flat()[0]
      const wrong = this.judge({ status: response.statusCode ?? 0, header, body: Buffer.concat(chunks).toString() })
      if (wrong) fail(wrong)
    })
  }
}
