/** How often what was asked for was done, and that every question was answered. */
import type { AppointmentRow, Call, Evidence, LogRow, Violation } from "../evidence.ts"
import { isSuccess } from "./answers.ts"
import { doubt, isAnswered, isInDoubt } from "./doubt.ts"

const NEXT = "/receptionists/queue/next"

export function checkRows(evidence: Evidence): Violation[] {
  return [
    ...keys(evidence),
    ...calledOnce(evidence.calls),
    ...calledByAKey(evidence),
    ...unanswered(evidence.calls),
    ...failures(evidence.calls),
  ]
}

/** Every booking's reason and every payment's amount is its key's own, so the rows tell how often a key was obeyed. */
function keys({ calls, appointments, payments }: Evidence): Violation[] {
  const promise = "a key, however often it comes, makes one thing, and one was made if 2xx was answered"
  const byReason = Map.groupBy(appointments, (row) => row.reason ?? "")
  const byAmount = Map.groupBy(payments, (row) => String(Number(row.amount)))
  const violations: Violation[] = []
  for (const call of calls) {
    if (call.key === undefined || call.path === NEXT) continue
    const made = call.body?.amount === undefined ? byReason.get(String(call.body?.reason)) : byAmount.get(String(call.body.amount))
    const count = made?.length ?? 0
    if (count > 1 || (isSuccess(call) && (count === 0 || made?.[0]?.id !== call.answer.body.id)))
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
  const called = calls.filter((call) => call.path === NEXT && isSuccess(call))
  return [...Map.groupBy(called, (call) => String(call.answer?.body.id))]
    .filter(([, times]) => times.length > 1)
    .map(([id, times]) => ({
      promise,
      what: `${id} was called in by ${times.map((t) => `${t.who} (${t.key})`).join(" and ")}`,
      about: [id],
    }))
}

type GoneIn = { appointment: AppointmentRow; event: LogRow }

/**
 * Whoever went in was sent in by name, or called in under a key that was answered with them, or else under one that was not answered,
 * which accounts for one patient of its doctor and no more.
 */
function calledByAKey({ calls, log, appointments }: Evidence): Violation[] {
  const rows = new Map(appointments.map((row) => [row.id, row]))
  const nexts = calls.filter((call) => call.path === NEXT)
  const named = new Set([
    ...nexts.filter(isSuccess).map((call) => String(call.answer.body.id)),
    ...calls.filter((c) => c.body?.status === "IN_PROGRESS" && (isSuccess(c) || isInDoubt(c))).map((c) => c.path.split("/").at(-1)),
  ])
  const unnamed = log.flatMap((event): GoneIn[] => {
    const appointment = rows.get(String(event.data.appointmentId))
    const isIn = event.name === "appointment:update" && event.data.status === "IN_PROGRESS"
    return isIn && appointment && !named.has(appointment.id) ? [{ appointment, event }] : []
  })
  const inDoubt = nexts.filter((call) => !isSuccess(call) && isInDoubt(call))
  return [...Map.groupBy(unnamed, ({ appointment }) => appointment.doctorId)].flatMap(([doctorId, gone]) =>
    unaccounted(
      gone,
      inDoubt.filter((call) => call.body?.doctorId === doctorId),
    ),
  )
}

/** In the order in which they went in, each by whichever call is over first: no other order accounts for more. */
function unaccounted(gone: GoneIn[], inDoubt: Call[]): Violation[] {
  const left = new Set(inDoubt.toSorted((a, b) => doubt(a).to - doubt(b).to))
  const used: string[] = []
  return gone
    .toSorted((a, b) => a.event.at - b.event.at)
    .flatMap(({ appointment: { id, doctorId }, event }) => {
      const call = [...left].find((c) => doubt(c).from <= event.at && event.at <= doubt(c).to)
      if (call) {
        left.delete(call)
        used.push(`${call.key} for another`)
        return []
      }
      const what = `${id} went in to ${doctorId}, and no call is left that may have called them (${used.join(", ") || "none was in doubt"})`
      return [{ promise: "nobody goes in uncalled, and a key calls in one", what, about: [id, doctorId] }]
    })
}

/** Longer than any fault lasts they are tried again; who is still without an answer then will never have one. */
function unanswered(calls: Call[]): Violation[] {
  return calls
    .filter((call) => !isAnswered(call))
    .map(({ method, path, who, key, attempts }) => ({
      promise: "every call is answered in the end",
      what: `${method} ${path} by ${who} (${key ?? "no key"}): ${attempts.at(-1)?.outcome} after ${attempts.length} tries`,
      about: [key ?? path],
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
