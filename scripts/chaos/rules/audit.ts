/** Every call that read or changed a patient's data, refusals included, against the audit log. */
import type { Audit, Call, Evidence, FaultRecord, Violation } from "../evidence.ts"

/** Readings and refusals do not wait for the disk: a crash of Postgres may lose the last of them. */
const LOST_IN_A_CRASH_MS = 1_000
/** How long it may go on after it was told to die. */
const DYING_MS = 500
const REFUSALS: Record<number, string> = { 403: "FORBIDDEN", 404: "NOT_FOUND", 409: "CONFLICT", 422: "INVALID" }
const UUID = "[0-9a-f-]{36}"

/** `moves`: once it is done, what is written down is the appointment's change. */
type Act = { action: "READ" | "CREATE" | "CHANGE"; resource: string; moves?: true }

/** What the public description says is written down. */
const ACTS: [RegExp, Act][] = [
  [/^POST \/patients$/, { action: "CREATE", resource: "patient" }],
  [/^POST \/appointments$/, { action: "CREATE", resource: "appointment" }],
  [new RegExp(`^PUT /appointments/${UUID}$`), { action: "CHANGE", resource: "appointment" }],
  [/^POST \/payments$/, { action: "CREATE", resource: "payment" }],
  [new RegExp(`^PUT /payments/${UUID}/status$`), { action: "CHANGE", resource: "payment" }],
  [/^POST \/receptionists\/queue\/next$/, { action: "CHANGE", resource: "queue", moves: true }],
  [new RegExp(`^PUT /receptionists/queue/${UUID}$`), { action: "CHANGE", resource: "queue" }],
  [/^GET \/notifications$/, { action: "READ", resource: "notification" }],
  [/^GET \/receptionists\/queue\?/, { action: "READ", resource: "queue" }],
  [/^GET \/receptionists\/stats$/, { action: "READ", resource: "appointment" }],
]

export function checkAudit(evidence: Evidence): Violation[] {
  return [...sealed(evidence.audit), ...calls(evidence), ...changes(evidence)]
}

function sealed({ unsealed, verified }: Audit): Violation[] {
  const promise = "the audit log is sealed, and as it was sealed"
  return [
    ...(unsealed > 0 ? [{ promise, what: `${unsealed} entries are not sealed`, about: [] }] : []),
    ...(verified === "" ? [] : [{ promise, what: verified, about: [] }]),
  ]
}

/** For each answer there is an entry of that person, thing and result, made between the question and the answer; each stands for one. */
function calls({ calls: made, audit, faults }: Evidence): Violation[] {
  const promise = "whoever reads or changes a patient's data is written down, refused or not"
  const unused = Map.groupBy(audit.entries, ({ uid, action, resource, outcome }) => {
    // Of the queue only calling in has keys.
    const act = { action, resource, moves: outcome === "REPLAYED" && resource === "queue" }
    return keyOf(uid ?? "", act, outcome === "REPLAYED" ? "DONE" : outcome)
  })
  const answers = made.flatMap((call) => answersOf(call, faults).map((answer) => ({ ...answer, call })))
  // Who was answered first takes the first that fits: no other order leaves fewer without.
  return answers
    .toSorted((a, b) => a.to - b.to)
    .flatMap(({ call, act, outcome, from, to }) => {
      const key = keyOf(call.who, act, outcome)
      const entries = unused.get(key) ?? []
      const fitting = entries.filter((e) => Date.parse(e.at) >= from && Date.parse(e.at) <= to)
      const first = fitting.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))[0]
      if (first) entries.splice(entries.indexOf(first), 1)
      if (first) return []
      return [{ promise, what: `${key}, ${new Date(from).toISOString()}, is not written down`, about: [call.key ?? call.path] }]
    })
}

function keyOf(who: string, { action, resource, moves }: { action: string; resource: string; moves?: boolean }, outcome: string): string {
  return `${who} ${action} ${moves && outcome === "DONE" ? "appointment" : resource} ${outcome}`
}

function actOf({ method, path }: Call): Act | undefined {
  return ACTS.find(([pattern]) => pattern.test(`${method} ${path}`))?.[1]
}

type Answer = { act: Act; outcome: string; from: number; to: number }

/** Of each try that was answered, unless a crash may have taken what was written down. */
function answersOf(call: Call, faults: FaultRecord[]): Answer[] {
  const act = actOf(call)
  if (!act) return []
  const isRead = act.action === "READ"
  return call.attempts.flatMap(({ at: from, ms, outcome: status }) => {
    if (typeof status !== "number") return []
    const to = from + ms
    const isDone = status >= 200 && status < 300
    const outcome = isDone ? "DONE" : REFUSALS[status]
    if (outcome === undefined || (isRead && isDone && !showsAny(call.answer?.body))) return []
    // A change and its entry commit together, and wait for the disk; of a call that came twice it may be a replay's.
    const isDurable = isDone && !isRead && call.attempts.length === 1
    const mayBeLost = faults.some(({ what, at }) => what.includes("Postgres") && from <= at + DYING_MS && at - to < LOST_IN_A_CRASH_MS)
    return mayBeLost && !isDurable ? [] : [{ act, outcome, from, to }]
  })
}

function showsAny(body: Record<string, unknown> | undefined): boolean {
  const lists = [body?.data, body?.appointments, body?.waiting, body?.inProgress].flatMap((list) => (Array.isArray(list) ? list : []))
  return lists.some((item: { id?: string; appointmentId?: string; data?: Record<string, unknown> }) =>
    item.data ? (item.data.appointmentId ?? item.data.paymentId) : (item.id ?? item.appointmentId),
  )
}

/** Whatever the rows have gone through stands in the log, once for each time, whoever did it. */
function changes({ appointments, payments, log, audit }: Evidence): Violation[] {
  const promise = "a change and its entry in the audit are one: neither is there without the other"
  const done = new Map<string, number>()
  for (const { action, resource, ids, outcome } of audit.entries)
    if (outcome === "DONE" && action !== "READ")
      for (const id of ids) done.set(`${action} ${resource} ${id}`, (done.get(`${action} ${resource} ${id}`) ?? 0) + 1)
  const count = (act: string, id: string) => done.get(`${act} ${id}`) ?? 0
  const violations: Violation[] = []
  const complain = (what: string, id: string) => violations.push({ promise, what, about: [id] })
  for (const { id, version } of appointments) {
    const [made, changed] = [count("CREATE appointment", id), count("CHANGE appointment", id)]
    if (made !== 1) complain(`appointment ${id} was made once, and is written down ${made} times`, id)
    if (changed !== version - 1) complain(`appointment ${id} changed ${version - 1} times, and is written down ${changed} times`, id)
  }
  const told = Map.groupBy(
    log.filter((row) => row.name === "payment:update"),
    (row) => String(row.data.paymentId),
  )
  for (const { id } of payments) {
    const [made, changed, announced] = [count("CREATE payment", id), count("CHANGE payment", id), told.get(id)?.length ?? 0]
    if (made !== 1) complain(`payment ${id} was made once, and is written down ${made} times`, id)
    if (changed !== announced) complain(`payment ${id} changed ${announced} times, and is written down ${changed} times`, id)
  }
  return violations
}
