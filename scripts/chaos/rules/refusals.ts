/** What was refused has left nothing behind, and what is there was asked for. */
import type { Call, Evidence, LogRow, Violation } from "../evidence.ts"
import { changesOf, isSameTime, isSuccess } from "./answers.ts"
import { doubt, doubts, isInDoubt, isRefused } from "./doubt.ts"

const PROMISE = "what was refused has left nothing behind, and under a key the first answer comes again"
const UNASKED = "nothing is there or changed that nobody asked for, and no refusal has changed anything"

export function checkRefusals(evidence: Evidence): Violation[] {
  return [...rows(evidence), ...moves(evidence), ...settlements(evidence)]
}

/** A thing that a key made; `at`: when, undefined where nothing tells. */
type Made = { id: string; at: number | undefined }

/** Every booking's reason and every payment's amount is its key's own. */
function rows({ calls, appointments, payments, log }: Evidence): Violation[] {
  const bookedAt = new Map([...changesOf(log)].map(([id, events]) => [id, events.find((e) => e.name === "appointment:new")?.at]))
  const booked = appointments.map((row) => ({ key: `/appointments ${row.reason}`, id: row.id, at: bookedAt.get(row.id) }))
  const paid = payments.map((row) => ({ key: `/payments ${Number(row.amount)}`, id: row.id, at: row.createdAt }))
  const made = Map.groupBy([...booked, ...paid], ({ key }) => key)
  const asked = calls.filter((call) => call.method === "POST" && call.key !== undefined)
  const keys = new Set(asked.map(keyOf))
  const unasked = [...made].filter(([key]) => !keys.has(key))
  return [
    ...asked.filter(isRefused).flatMap((call) => (made.get(keyOf(call)) ?? []).flatMap((row) => leftBy(call, row))),
    ...unasked.flatMap(([key, own]) => own.map(({ id }) => ({ promise: UNASKED, what: `${id} is there (${key})`, about: [id] }))),
  ]
}

const keyOf = ({ path, body }: Call) => `${path} ${path === "/payments" ? body?.amount : body?.reason}`

/** Of a call that was cut off before it was refused, the first try may still have been under way: that alone is nobody's fault. */
function leftBy(call: Call, { id, at }: Made): Violation[] {
  const said = `${call.path} by ${call.who} (${call.key}) was refused with ${call.attempts.at(-1)?.outcome}`
  const complain = (but: string) => [{ promise: PROMISE, what: `${said}, ${but}`, about: [id, call.key as string] }]
  if (!isInDoubt(call)) return complain(`and ${id} is there`)
  if (at === undefined) return []
  const { from, to } = doubt(call)
  const refused = call.attempts.at(-1)?.at as number
  if (at < from) return complain(`though ${id} had been made ${Math.round(refused - at)} ms before it was sent again`)
  return at > to ? complain(`and ${id} was made when no try of it can have been under way`) : []
}

/** Who goes in may have been called in by a key: see there. */
function moves({ calls, log }: Evidence): Violation[] {
  const answered = calls.filter(isSuccess).map(({ answer: { body } }) => `${body.id} ${body.version}`)
  const done = new Set(answered)
  const asked = callsByPath(calls)
  return [...changesOf(log)].flatMap(([id, events]) => {
    const left = events.filter(
      ({ name, data }, n) => name === "appointment:update" && data.status !== "IN_PROGRESS" && !done.has(`${id} ${n + 1}`),
    )
    return unasked(left, asked.get(`/appointments/${id}`) ?? [], movesTo)
  })
}

function movesTo({ body }: Call, { data }: LogRow): boolean {
  return body?.status === undefined
    ? data.status === "PENDING" && isSameTime(body?.scheduledAt, data.scheduledAt)
    : body.status === data.status
}

/** A payment comes to each status once. What is called off takes its payments with it. */
function settlements({ calls, log }: Evidence): Violation[] {
  const done = new Set(calls.filter(isSuccess).map(({ path, answer }) => `${path} ${answer.body.status}`))
  const asked = callsByPath(calls)
  const isCalledOff = ({ name, data }: LogRow) =>
    name === "appointment:update" && (data.status === "CANCELLED" || data.status === "REJECTED")
  const calledOff = new Set(log.filter(isCalledOff).map(({ data }) => data.appointmentId))
  const events = log.filter(({ name }) => name === "payment:update")
  return [...Map.groupBy(events, ({ data }) => `/payments/${data.paymentId}/status`)].flatMap(([path, own]) => {
    const left = own.filter(
      ({ data }) => !done.has(`${path} ${data.status}`) && (data.status === "COMPLETED" || !calledOff.has(data.appointmentId)),
    )
    return unasked(left, asked.get(path) ?? [], ({ body }, { data }) => body?.status === data.status)
  })
}

const callsByPath = (calls: Call[]) =>
  Map.groupBy(
    calls.filter((call) => call.method === "PUT"),
    ({ path }) => path,
  )

/** Each in turn by whichever try that nobody answered is over first: no other order accounts for more. */
function unasked(events: LogRow[], calls: Call[], asksFor: (call: Call, event: LogRow) => boolean): Violation[] {
  const tries = calls.flatMap((call) => doubts(call).map((window) => ({ call, ...window }))).toSorted((a, b) => a.to - b.to)
  return events
    .toSorted((a, b) => a.at - b.at)
    .flatMap((event) => {
      const n = tries.findIndex(({ call, from, to }) => from <= event.at && event.at <= to && asksFor(call, event))
      if (n >= 0) {
        tries.splice(n, 1)
        return []
      }
      const refused = calls.filter((call) => isRefused(call) && asksFor(call, event))
      const by = refused.map((call) => `${call.who}, who was refused with ${call.attempts.at(-1)?.outcome}`).join(" and ")
      const what = `${event.subject} became ${event.data.status} (${event.id}), asked for by ${by || "nobody"}`
      return [{ promise: UNASKED, what, about: [event.subject.split(":")[1] as string] }]
    })
}
