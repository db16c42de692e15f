/**
 * Refuses what there is no room for before the router sees it. A process whose processor is what is short has to be done with refusals
 * in a fraction of what answers cost, or refusals take the place of answers. What is told is what the router's own admission tells.
 */
import type { Log } from "../core/log.ts"
import type { ObserveRequest } from "../core/metrics/requests.ts"
import { type Admission, noRoom } from "./admission.ts"
import { PROBLEM_TYPE, problemText, refused } from "./problem.ts"
import { requestIdOf } from "./request-id.ts"
import { learnTemplates } from "./search/header-templates.ts"

const ADMITTED = "/api/v1/"
const REQUEST_ID = "X-Request-Id"
/** A preflight asks for no work, and a HEAD is answered without what is told. */
const LEFT_TO_THE_ROUTER = new Set(["OPTIONS", "HEAD"])

export type NoRoomParts = {
  admission: Admission
  /** The app itself, and the origins it allows. */
  fetch: (request: Request) => Response | Promise<Response>
  origins: readonly string[]
  log: Log
  observe: ObserveRequest | undefined
}

/** Undefined: there is room, or it is not for here to say. */
export function createNoRoom({ admission, fetch, origins, log, observe }: NoRoomParts): (request: Request) => Response | undefined {
  const { headers: own, ...said } = refused(noRoom())
  const templates = learnTemplates(fetch, origins, { changing: [REQUEST_ID], constant: { "Content-Type": PROBLEM_TYPE, ...own } })
  return (request) => {
    if (admission.hasRoom) return undefined
    const startMs = performance.now()
    const { method, headers } = request
    const path = LEFT_TO_THE_ROUTER.has(method) ? undefined : URL.parse(request.url)?.pathname
    const template = path?.startsWith(ADMITTED) ? templates.of(headers.get("origin")) : undefined
    if (!path || !template) return undefined
    const requestId = requestIdOf(headers.get(REQUEST_ID))
    template.set(REQUEST_ID, requestId)
    const response = new Response(problemText(said, path), { status: said.status, headers: template })
    const ms = performance.now() - startMs
    observe?.(method, undefined, said.status, ms / 1000)
    log.error({ requestId, method, route: `${ADMITTED}*`, status: said.status, ms: Math.round(ms * 1000) / 1000 }, "request")
    return response
  }
}
