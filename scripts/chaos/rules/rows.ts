/** What was answered against what the tables hold. */
import type { Call, Evidence, Violation } from "../evidence.ts"

export function checkRows(evidence: Evidence): Violation[] {
  return [...answers(evidence), ...keys(evidence), ...calledOnce(evidence.calls), ...failures(evidence.calls)]
}

const isSuccess = (call: Call) => call.answer !== undefined && call.answer.status >= 200 && call.answer.status < 300

/** A row is never older than any answer that showed it. */
function answers({ calls, appointments, payments }: Evidence): Violation[] {
  const promise = "what was answered with 2xx is there"
  const versions = new Map(appointments.map((row) => [row.id, row.version]))
  const paid = new Set(payments.map((row) => row.id))
  const violations: Violation[] = []
  for (const call of calls.filter((c) => c.method !== "GET" && isSuccess(c))) {
    const { id, version, scheduledAt, amount } = call.answer?.body ?? {}
    const said = `${call.method} ${call.path} answered ${call.answer?.status} with`
    if (scheduledAt !== undefined && version !== undefined && (versions.get(String(id)) ?? 0) < Number(version))
      violations.push({
        promise,
        what: `${said} appointment ${id} at version ${version}: the table has ${versions.get(String(id))}`,
        about: [String(id)],
      })
    if (amount !== undefined && !paid.has(String(id)))
      violations.push({ promise, what: `${said} payment ${id}, which is not there`, about: [String(id)] })
  }
  return violations
}

/** Every booking's reason and every payment's amount is its key's own, so the rows tell how often a key was obeyed. */
function keys({ calls, appointments, payments }: Evidence): Violation[] {
  const promise = "a key, however often it comes, makes one thing, and one was made if 2xx was answered"
  const byReason = Map.groupBy(appointments, (row) => row.reason ?? "")
  const byAmount = Map.groupBy(payments, (row) => String(Number(row.amount)))
  const violations: Violation[] = []
  for (const call of calls) {
    if (call.key === undefined || call.path === "/receptionists/queue/next") continue
    const made = call.body?.amount === undefined ? byReason.get(String(call.body?.reason)) : byAmount.get(String(call.body.amount))
    const count = made?.length ?? 0
    if (count > 1 || (isSuccess(call) && (count === 0 || made?.[0]?.id !== call.answer?.body.id)))
      violations.push({
        promise,
        what: `key ${call.key} (${call.path}) made ${count}: ${made?.map((row) => row.id)}`,
        about: [call.key, ...(made ?? []).map((row) => row.id)],
      })
  }
  return violations
}

function calledOnce(calls: Call[]): Violation[] {
  const promise = "two desks that call at once never get the same patient"
  const called = calls.filter((call) => call.path === "/receptionists/queue/next" && isSuccess(call))
  return [...Map.groupBy(called, (call) => String(call.answer?.body.id))]
    .filter(([, times]) => times.length > 1)
    .map(([id, times]) => ({
      promise,
      what: `${id} was called in by ${times.map((t) => `${t.who} (${t.key})`).join(" and ")}`,
      about: [id],
    }))
}

function failures(calls: Call[]): Violation[] {
  const promise = "whatever fails, an answer is never a 5xx but 503"
  return calls.flatMap((call) =>
    call.attempts
      .filter(({ outcome }) => typeof outcome === "number" && outcome >= 500 && outcome !== 503)
      .map(({ outcome }) => ({
        promise,
        what: `${call.method} ${call.path} by ${call.who} was answered ${outcome}`,
        about: [call.key ?? call.path],
      })),
  )
}
