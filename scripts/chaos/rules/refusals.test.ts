import { expect, test } from "bun:test"
import { refuse } from "../breaches-refused.ts"
import type { Call, Evidence } from "../evidence.ts"
import { appointment, at, booked, call, moved, row, sound } from "../sound.ts"
import { checkRefusals } from "./refusals.ts"

const broken = (evidence: Evidence) => checkRefusals(evidence).map(({ what }) => what)

/** A booking that was cut off at 1 and refused at 60, and is there since then. */
function bookedLate(sinceMs: number): Evidence {
  const evidence = sound()
  const asked = call("rival", "POST /appointments", 409, {}, { key: "book-9", body: { reason: "book-9" } })
  refuse(asked, 409)
  evidence.calls.push(asked)
  evidence.log.push({ ...booked(14, "z", 9, "book-9"), at: sinceMs })
  evidence.appointments.push(appointment("z", 9, { reason: "book-9" }))
  return evidence
}

test("a try that was cut off may be obeyed after the retry was refused, while it can still be under way", () => {
  expect(broken(bookedLate(61))).toEqual([])
  expect(broken(bookedLate(25_000))).toEqual([])
  expect(broken(bookedLate(25_100))).toEqual([
    "/appointments by rival (book-9) was refused with 409, and z was made when no try of it can have been under way",
  ])
})

test("a try that was answered 503 may have been obeyed, and of a call whose first try is still at work nobody knows", () => {
  const evidence = bookedLate(61)
  const asked = evidence.calls.at(-1) as Call
  Object.assign(asked.attempts[0] ?? {}, { outcome: 503 })
  expect(broken(evidence)).toEqual([])
  asked.attempts = asked.attempts.slice(1)
  asked.answer = { status: 409, body: { detail: "A call with this Idempotency-Key is still in flight." } }
  expect(broken(evidence)).toEqual([])
})

test("whoever was obeyed before the retry was sent must get the first answer again", () => {
  expect(broken(bookedLate(40))).toEqual([
    "/appointments by rival (book-9) was refused with 409, though z had been made 20 ms before it was sent again",
  ])
})

test("a try that was answered with later, or that its first was at work, decides nothing, and leaves nothing", () => {
  const evidence = bookedLate(61)
  const asked = evidence.calls.at(-1) as Call
  const again = (outcome: number) => ({ at: 3, ms: 1, outcome })
  asked.attempts = [asked.attempts[0] as Call["attempts"][number], again(429), again(409), ...asked.attempts.slice(1)]
  expect(broken(evidence)).toEqual([])
  // Without the try that nobody answered no other can have made it.
  asked.attempts.shift()
  expect(broken(evidence)).toEqual(["/appointments by rival (book-9) was refused with 409, and z is there"])
})

test("a change that was cut off and made may be refused when it is sent again, and so may what is called off take its payments", () => {
  const evidence = sound()
  refuse(evidence.calls.find((c) => c.path === "/appointments/a") as Call, 409)
  refuse(evidence.calls.find((c) => c.path === "/payments/m/status") as Call, 409)
  const refunded = row(14, "payment:update", "payment:m", { paymentId: "m", appointmentId: "a", amount: 0.01, status: "REFUNDED" })
  evidence.log.push(refunded)
  const called = moved(15, "a", 0, "CANCELLED")
  const off = call("patient", "PUT /appointments/a", 200, { id: "a", version: 3 }, { body: { status: "CANCELLED" } })
  evidence.calls.push(off)
  expect(broken(evidence)).toEqual(["payment:m became REFUNDED (e14), asked for by nobody"])
  evidence.log.push(called)
  expect(broken(evidence)).toEqual([])
})

test.each([
  ["another status", { status: "CANCELLED" }],
  ["another time", { scheduledAt: at(5) }],
])("a change that was cut off and asked for %s accounts for none", (_, body) => {
  const evidence = sound()
  const change = call("doctor", "PUT /appointments/b", 409, {}, { body: { scheduledAt: at(4) } })
  refuse(change, 409)
  evidence.calls.push(change)
  evidence.log.push(moved(14, "b", 4, "PENDING"))
  expect(broken(evidence)).toEqual([])
  change.body = body
  expect(broken(evidence)).toEqual(["appointment:b became PENDING (e14), asked for by nobody"])
  // Nor does the time that was asked for account for another status.
  evidence.log.splice(-1, 1, moved(14, "b", 5, "CONFIRMED"))
  expect(broken(evidence)).toEqual(["appointment:b became CONFIRMED (e14), asked for by nobody"])
})

test("who was refused is named beside what was changed all the same", () => {
  const evidence = sound()
  refuse(evidence.calls.find((c) => c.path === "/appointments/a") as Call, 409, false)
  expect(broken(evidence)).toEqual(["appointment:a became CONFIRMED (e2), asked for by doctor, who was refused with 409"])
})
