/**
 * Answers plain searches before the router sees them. All that the router's middleware would do is done here too, in a tenth of
 * the time; whatever is not plain, and so every refusal, is left to the route, as if this did not exist.
 */
import type { TokenVerifier } from "../../core/auth/firebase.ts"
import type { Log } from "../../core/log.ts"
import type { ObserveRequest } from "../../core/metrics/requests.ts"
import type { CallWindows } from "../call-windows.ts"
import { rememberedIdentity } from "../guards.ts"
import { readsLeft, readsPolicy } from "../rate-limit.ts"
import { requestIdOf } from "../request-id.ts"
import { requestLines } from "../request-line.ts"
import { type NearSearch, SERVED_BY_INDEX } from "./answer.ts"
import { learnTemplates } from "./header-templates.ts"
import { type NearQuery, readNearQuery } from "./near-query.ts"

const METHOD = "GET"
export const SEARCH_ROUTE = "/api/v1/doctors/search"
const OK = 200
const REQUEST_ID = "X-Request-Id"
const RATE_LIMIT = "RateLimit"

export type FastLaneParts = {
  index: NearSearch
  verifier: TokenVerifier
  /** Undefined: reads have no limit. */
  reads: CallWindows | undefined
  /** The app itself, and the origins it allows. */
  fetch: (request: Request) => Response | Promise<Response>
  origins: readonly string[]
  log: Log
  observe: ObserveRequest | undefined
}

/** Answers, or leaves the request untouched. */
export type FastLane = (request: Request) => Response | undefined

export function createFastLane(parts: FastLaneParts): FastLane {
  const queryStart = createQueryFinder()
  const answer = createAnswer(parts)
  return (request) => {
    const { url } = request
    const from = queryStart(url)
    return from > 0 && request.method === METHOD ? answer(request, url, from) : undefined
  }
}

/** Where the query begins in the URL of a search; 0 where it is something else, or not certainly one. */
function createQueryFinder(): (url: string) => number {
  // Most requests come for one host. Its name is checked once.
  let known = ""
  return (url) => {
    if (known !== "" && url.startsWith(known)) return known.length
    const path = url.indexOf("/", "https://".length)
    const from = path + SEARCH_ROUTE.length + 1
    if (path < 0 || !url.startsWith(`${SEARCH_ROUTE}?`, path) || !URL.canParse(url)) return 0
    known = url.slice(0, from)
    return from
  }
}

function createAnswer({ index, verifier, reads, fetch, origins, log, observe }: FastLaneParts) {
  const templates = learnTemplates(fetch, origins, {
    changing: reads ? [REQUEST_ID, RATE_LIMIT] : [REQUEST_ID],
    constant: {
      "Content-Type": "application/json",
      "Server-Timing": SERVED_BY_INDEX,
      ...(reads ? { "RateLimit-Policy": readsPolicy(reads) } : {}),
    },
  })
  const writeLine = requestLines(log)
  return (request: Request, url: string, from: number): Response | undefined => {
    const start = performance.now()
    const { headers } = request
    const template = templates.of(headers.get("origin"))
    const identity = rememberedIdentity(verifier, headers.get("authorization"))
    if (!template || !identity || hasBody(headers)) return undefined
    const now = Date.now()
    const window = reads?.of(identity.uid, now)
    if (reads && window && window.calls >= reads.max) return undefined
    const query = readNearQuery(url, from)
    const bytes = query && search(index, query)
    if (!bytes) return undefined
    // From here on the request is answered: only now does it count.
    const requestId = requestIdOf(headers.get(REQUEST_ID))
    template.set(REQUEST_ID, requestId)
    if (reads && window) {
      window.calls++
      template.set(RATE_LIMIT, readsLeft(reads, window, now))
    }
    const response = new Response(bytes, { headers: template })
    const durationMs = performance.now() - start
    observe?.(METHOD, SEARCH_ROUTE, OK, durationMs / 1000)
    writeLine({ requestId, method: METHOD, route: SEARCH_ROUTE, status: OK, durationMs })
    return response
  }
}

/** One of a GET is read, judged and ignored by the route. */
function hasBody(headers: Headers): boolean {
  return headers.get("content-length") !== null || headers.get("transfer-encoding") !== null
}

/** A bug of the index is the route's to meet again, log and answer. */
function search(index: NearSearch, query: NearQuery): Uint8Array<ArrayBuffer> | undefined {
  try {
    return index.search(query)
  } catch {
    return undefined
  }
}
