/** What is wrong with an answer, whatever was asked. */

import type { OpenApi } from "../../api/description/openapi.ts"
import { Description } from "../harness/described.ts"
import type { WireAnswer } from "../harness/wire.ts"
import type { HostileRequest } from "./requests.ts"

/** Nobody waits longer, and neither does a balancer. */
export const ANSWER_MAX_MS = 5_000

/** Where we run, what we are made of and what we ask the database. */
const INSIDES =
  /\bat [\w./$<>() ]{1,200}:\d+:\d+|\.ts:\d+|node_modules|PostgresError|syntax error at|duplicate key|violates .* constraint|invalid input syntax|relation "|\bselect .+ from\b|\binsert into\b|\bupdate .+ set\b|ECONNREFUSED|ZodError|TypeError|RangeError|ioredis|Bun v/i
/** These are the same for everybody, and long. */
const DOCUMENTS = /^\/(?:docs|openapi\.json)/
/** Statuses of what no operation says of itself: answers of the server before any route. */
const NOT_AN_OPERATION = new Set([204, 404, 405])

/** Seconds, and some. */
const RETRY_AFTER = /^[1-9]\d{0,4}$/

export class Verdicts {
  /** Answers of 503. Each is right by itself; of how many are too many, whoever asks knows. */
  unavailable = 0
  readonly #description: Description

  constructor(
    document: OpenApi,
    private readonly canaries: string[],
  ) {
    this.#description = new Description(document)
  }

  /** Undefined: nothing. */
  faultOf({ method, target, body }: HostileRequest, answer: WireAnswer): string | undefined {
    const { status, headers, ms } = answer
    const text = answer.body.toString()
    if (status === 503) this.unavailable++
    else if (status < 200 || status >= 500) return `a status of ${status}`
    if (status === 503 && !RETRY_AFTER.test(headers.get("retry-after") ?? "")) return "a 503 that does not say when to try again"
    if (ms > ANSWER_MAX_MS) return `it took ${Math.round(ms)} ms`
    const said = `${target}\n${body}`
    const head = [...headers].map(([name, value]) => `${name}: ${value}`).join("\n")
    for (const canary of this.canaries) if (text.includes(canary) || head.includes(canary)) return `it tells what is another's: ${canary}`
    const inside = DOCUMENTS.test(target) ? undefined : INSIDES.exec(`${head}\n${text}`)?.[0]
    if (inside && !said.includes(inside)) return `it tells of our insides: ${inside}`
    if (headers.has("x-injected") || headers.has("set-cookie")) return "it has a header that nobody meant"
    if (!headers.has("x-request-id") && status !== 431 && status !== 400) return "it has no X-Request-Id"
    return this.#undescribed(method, target, status, headers, text)
  }

  #undescribed(method: string, target: string, status: number, headers: Map<string, string>, text: string): string | undefined {
    // Before any route, the server itself refuses what is no HTTP.
    if (!headers.has("x-request-id") || method === "OPTIONS") return undefined
    const contentType = headers.get("content-type") ?? null
    if (method === "HEAD") return text === "" ? undefined : "an answer to HEAD has a body"
    let body: unknown
    try {
      body = text === "" ? undefined : contentType?.includes("json") ? JSON.parse(text) : text
    } catch {
      return "it is no JSON"
    }
    const path = target.split(/[?#]/)[0] as string
    const fault = this.#description.faultOf(method, path, { status, contentType, body })
    if (
      fault === undefined ||
      (NOT_AN_OPERATION.has(status) && contentType === "application/problem+json" && fault.startsWith("there is no"))
    )
      return undefined
    return fault
  }
}
