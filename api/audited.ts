/** Puts what was read and what was refused into the audit before it is answered. */
import type { Context } from "hono"
import { createMiddleware } from "hono/factory"
import { type Actor, actorOf, entriesOf, type Outcome } from "../core/audit/entry.ts"
import type { Recorder } from "../core/audit/recorder.ts"
import type { Unheard } from "../core/audit/unheard.ts"
import { type Answered, AUDIT_RULES, type AuditRule } from "./audit-rules.ts"
import type { Env } from "./env.ts"
import { answeredBy } from "./request-log.ts"

/** Other answers say nothing of anybody's data: too large a body, a process that is full, a dependency that is away. */
const OUTCOMES: Record<number, Outcome> = {
  400: "INVALID",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  409: "CONFLICT",
  415: "INVALID",
  422: "INVALID",
  500: "FAILED",
}
/** Of whose call nothing but its path was looked at. Written down if it names something, and while its caller has not made too many. */
const UNHEARD: Record<number, Outcome> = { 401: "UNAUTHORIZED", 429: "LIMITED" }

/** What is known of a call, as far as it came. */
type Call = { get: <Name extends keyof Env["Variables"]>(name: Name) => Env["Variables"][Name] | undefined }

export function audited(recorder: Recorder, unheard: Unheard) {
  return createMiddleware<Env>(async (c, next) => {
    const answer = watched(c)
    let isRecorded = false
    c.set("record", async (shown) => {
      const rule = ruleOf(c)
      if (typeof rule !== "object") return
      isRecorded = true
      const ids = idsIn(shown, rule)
      if (ids.length > 0) await recorder.record(entriesOf(actor(c), { ...rule, outcome: "DONE", ids }))
    })
    await next()
    const rule = ruleOf(c)
    if (typeof rule !== "object") return
    const turnedAway = UNHEARD[c.res.status]
    if (turnedAway) {
      const ids = lastUuid(c.req.path)
      if (ids.length > 0) await unheard.record(actor(c), { ...rule, outcome: turnedAway, ids })
      return
    }
    const outcome = OUTCOMES[c.res.status]
    if (outcome) return await recorder.record(entriesOf(actor(c), { ...rule, outcome, ids: await namedIn(c.req) }))
    if (!c.res.ok || isRecorded) return
    const replayed = c.res.headers.has("idempotency-replayed")
    if (rule.inTransaction && !replayed) return
    const ids = shownIn(answer(), rule)
    if (ids.length > 0) await recorder.record(entriesOf(actor(c), { ...rule, outcome: replayed ? "REPLAYED" : "DONE", ids }))
  })
}

function ruleOf(c: Context): AuditRule | string | undefined {
  const { method, path } = answeredBy(c)
  return AUDIT_RULES[`${method} ${path}`]
}

function actor(call: Call): Actor {
  const [principal, identity, address = null] = [call.get("principal"), call.get("identity"), call.get("address")]
  return principal ? actorOf({ ...principal, address }) : { uid: identity?.uid ?? null, role: null, address }
}

/** What the route answers, seen as it is made: to read it out of its JSON again took a millisecond of 500 appointments. */
function watched(c: Context): () => unknown {
  const { json } = c
  let answer: unknown
  c.json = ((object: unknown, ...how: []) => {
    answer = object
    return json(object as object, ...how)
  }) as typeof c.json
  return () => answer
}

function shownIn(answer: unknown, rule: AuditRule): string[] {
  if (answer === undefined) throw new Error("an audited route answers something that was not seen")
  return idsIn(answer as Answered, rule)
}

function idsIn(answer: Answered, rule: AuditRule): string[] {
  return rule.shown(answer).filter((id): id is string => typeof id === "string")
}

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

/** What a refused call asked for: ids in its path, and those of its body. */
async function namedIn(req: { path: string; json: () => Promise<unknown> }): Promise<string[]> {
  const body = (await req.json().catch(() => undefined)) as { patientId?: unknown; appointmentId?: unknown } | null | undefined
  return [req.path, body?.patientId, body?.appointmentId].flatMap((text) => (typeof text === "string" ? lastUuid(text) : []))
}

function lastUuid(text: string): string[] {
  return text.toLowerCase().match(UUID)?.slice(-1) ?? []
}
