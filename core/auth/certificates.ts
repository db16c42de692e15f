/** Google's signing certificates, as firebase-admin fetches and keeps them: whether they came, and until when they are fresh. */
import type { Agent } from "node:https"
import { type Answer, Upstream } from "./upstream.ts"

export class Certificates {
  readonly #upstream: Upstream
  #freshUntilMs = 0
  #turn: Promise<void> = Promise.resolve()

  /** `agent` is the one that firebase-admin fetches the certificates through. */
  constructor(agent: Agent) {
    this.#upstream = new Upstream(agent, (answer) => {
      const wrong = whatIsWrong(answer)
      if (!wrong) this.#freshUntilMs = Date.now() + maxAgeMs(answer)
      return wrong
    })
  }

  /**
   * Does `verify`; an `UpstreamFailure` says that the certificates could not be had.
   * While they are not fresh, one caller at a time: firebase-admin would fetch them once for each, and the first one's answer serves the rest.
   */
  async use<T>(verify: () => Promise<T>): Promise<T> {
    if (Date.now() < this.#freshUntilMs) return await this.#upstream.run(verify)
    const before = this.#turn
    const mine = Promise.withResolvers<void>()
    this.#turn = mine.promise
    await before
    try {
      return await this.#upstream.run(verify)
    } finally {
      mine.resolve()
    }
  }
}

/** The server answers `{keyId: PEM, …}`. */
function whatIsWrong(answer: Answer): string | undefined {
  if (answer.status !== 200) return `the certificate server answered ${answer.status}`
  // firebase-admin does not ask for compression; should it start to, it also is the one that reads the answer.
  if (answer.header("content-encoding")) return undefined
  return isCertificates(answer.body) ? undefined : "the certificate server answered something else than certificates"
}

function isCertificates(body: string): boolean {
  try {
    const pems = Object.values(JSON.parse(body) as Record<string, unknown>)
    return pems.length > 0 && pems.every((pem) => typeof pem === "string" && pem.startsWith("-----BEGIN CERTIFICATE-----"))
  } catch {
    return false
  }
}

/** As firebase-admin reads it. */
function maxAgeMs(answer: Answer): number {
  const seconds = /(?:^|,)\s*max-age=(\d+)/.exec(answer.header("cache-control") ?? "")?.[1]
  return Number(seconds ?? 0) * 1000
}
