/**
 * Answers searches before the router sees them. All that the router's middleware would do is done here too, in a
 * fraction of the time, and unusual or bad queries are judged by the same functions as there. Whatever else there is, is left to the
 * route, as if this did not exist.
 */
import type { TokenVerifier } from "../../core/auth/firebase.ts"
import type { CallWindow, CallWindows } from "../../core/call-windows.ts"
import { SearchQuery } from "../../core/doctors/search/schema.ts"
import type { SearchDb } from "../../core/doctors/search/search.ts"
import type { Log } from "../../core/log.ts"
import type { ObserveRequest } from "../../core/metrics/requests.ts"
import { within } from "../../core/time.ts"
import type { Admission } from "../admission.ts"
import { ANSWERED_WITHIN_MS, LATE, tooLate } from "../deadline.ts"
import { rememberedIdentity } from "../guards.ts"
import { PROBLEM_TYPE, problemText, refused } from "../problem.ts"
import { readsLeft, readsPolicy } from "../rate-limit.ts"
import { requestIdOf } from "../request-id.ts"
import { requestLines } from "../request-line.ts"
import { BadQuery, queryReader } from "../validate.ts"
import { type Further, type LongAnswer, type NearSearch, SERVED_BY_INDEX, searchAtLength, servedBy } from "./answer.ts"
import { type HeaderTemplates, learnTemplates } from "./header-templates.ts"
import { readNearQuery } from "./near-query.ts"

const METHOD = "GET"
const ROUTE = "/api/v1/doctors/search"
const [OK, BAD_REQUEST] = [200, 400]
const REQUEST_ID = "X-Request-Id"
const RATE_LIMIT = "RateLimit"

export type FastLaneParts = {
  index: NearSearch
  /** Asked where the index says nothing. What waits, for this or for the index, is let in together with all other calls. */
  db: SearchDb
  admission: Admission
  verifier: TokenVerifier
  /** Undefined: reads have no limit. */
  reads: CallWindows | undefined
  /** The app itself, and the origins it allows. */
  fetch: (request: Request) => Response | Promise<Response>
  origins: readonly string[]
  log: Log
  observe: ObserveRequest | undefined
}

/** Answers, or leaves the request untouched and uncounted, which it may find out late. */
export type FastLane = (request: Request) => Response | Promise<Response | undefined> | undefined

export function createFastLane(parts: FastLaneParts): FastLane {
  const { index, verifier, reads } = parts
  const queryStart = createQueryFinder()
  const readAny = queryReader(SearchQuery)
  const found = (by: string) => createAnswer(parts, { "Content-Type": "application/json", "Server-Timing": by })
  const answer = found(SERVED_BY_INDEX)
  const atLength = createLongAnswer(parts, found)
  const refuse = createAnswer(parts, { "Content-Type": PROBLEM_TYPE })
  return (request) => {
    const { url, method } = request
    const from = queryStart(url)
    if (from === 0 || method !== METHOD) return undefined
    const startMs = performance.now()
    const { headers } = request
    const identity = rememberedIdentity(verifier, headers.get("authorization"))
    if (!identity || hasBody(headers)) return undefined
    const nowMs = Date.now()
    const window = reads?.of(identity.uid, nowMs)
    if (reads && window && window.calls >= reads.max) return undefined
    const call: Call = { headers, startMs, nowMs, window }
    const query = readNearQuery(url, from) ?? readAny(url)
    if (query instanceof BadQuery) return refuse(call, BAD_REQUEST, problemText(refused(query), ROUTE))
    const indexed = search(index, query)
    if (indexed === FAILED) return undefined
    return indexed instanceof Uint8Array ? answer(call, OK, indexed) : atLength(call, query, indexed)
  }
}

/** Where the query begins in the URL of a search; 0 where it is something else, or not certainly one. */
function createQueryFinder(): (url: string) => number {
  // Most requests come for one host. Its name is checked once.
  let known = ""
  return (url) => {
    if (known !== "" && url.startsWith(known)) return known.length
    const path = url.indexOf("/", "https://".length)
    const from = path + ROUTE.length + 1
    if (path < 0 || !url.startsWith(`${ROUTE}?`, path) || !URL.canParse(url)) return 0
    known = url.slice(0, from)
    return from
  }
}

/** One of a GET is read, judged and ignored by the route. */
function hasBody(headers: Headers): boolean {
  return headers.get("content-length") !== null || headers.get("transfer-encoding") !== null
}

const FAILED = Symbol("failed")

/** A bug of the index is the route's to meet again, log and answer. */
function search(index: NearSearch, query: SearchQuery): ReturnType<NearSearch["search"]> | typeof FAILED {
  try {
    return index.search(query)
  } catch {
    return FAILED
  }
}

/** What fails is the route's to meet again, log and answer; it has no time left for what is late. */
function createLongAnswer(parts: FastLaneParts, found: (by: string) => Answer) {
  const { db, admission } = parts
  const { headers, ...late } = refused(tooLate())
  const answerLate = createAnswer(parts, { "Content-Type": PROBLEM_TYPE, ...headers })
  const answers: Record<LongAnswer["path"], Answer> = {
    index: found(SERVED_BY_INDEX),
    "sql-near": found(servedBy("sql-near")),
    "sql-near-named": found(servedBy("sql-near-named")),
    "sql-listing": found(servedBy("sql-listing")),
  }
  return async (call: Call, query: SearchQuery, further: Further): Promise<Response | undefined> => {
    const answer = await within(
      ANSWERED_WITHIN_MS,
      whileHeld(call, admission, () => searchAtLength(db, query, further)),
      LATE,
    )
    if (answer === LATE) return answerLate(call, late.status, problemText(late, ROUTE))
    return answer && answers[answer.path](call, OK, answer.bytes)
  }
}

/** Counts the call while it waits, or a caller's next ones would come in beyond the limit. Undefined: it is not let in, or it failed. */
async function whileHeld<T>({ window }: Call, admission: Admission, work: () => Promise<T>): Promise<T | undefined> {
  if (window) window.calls++
  try {
    return await admission.serve(work)
  } catch {
    return undefined
  } finally {
    if (window) window.calls--
  }
}

type Answer = (call: Call, status: number, body: Uint8Array<ArrayBuffer> | string) => Response | undefined

/** A request that may be answered here. */
type Call = { headers: Headers; startMs: number; nowMs: number; window: CallWindow | undefined }

/** Counts, answers with the headers that all answers have and these, and notes it. */
function createAnswer({ reads, fetch, origins, log, observe }: FastLaneParts, own: Record<string, string>): Answer {
  const changing = reads ? [REQUEST_ID, RATE_LIMIT] : [REQUEST_ID]
  const constant = reads ? { ...own, "RateLimit-Policy": readsPolicy(reads) } : own
  const templates: HeaderTemplates = learnTemplates(fetch, origins, { changing, constant })
  const writeLine = requestLines(log)
  return ({ headers, startMs, nowMs, window }, status, body) => {
    const template = templates.of(headers.get("origin"))
    if (!template) return undefined
    const requestId = requestIdOf(headers.get(REQUEST_ID))
    template.set(REQUEST_ID, requestId)
    if (reads && window) {
      window.calls++
      template.set(RATE_LIMIT, readsLeft(reads, window, nowMs))
    }
    const response = new Response(body, { status, headers: template })
    const durationMs = performance.now() - startMs
    observe?.(METHOD, ROUTE, status, durationMs / 1000)
    writeLine({ requestId, method: METHOD, route: ROUTE, status, durationMs })
    return response
  }
}
