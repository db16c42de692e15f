/** A history in which everything is tried, as little of it as is enough. */
import type { Attempt, Call, Evidence } from "./evidence.ts"
import { FAULT_KINDS, KILLED } from "./faults.ts"
import { call, desk, diary, row, sound } from "./sound.ts"

export const tries = (...outcomes: Attempt["outcome"][]) => outcomes.map((outcome) => ({ at: 1, ms: 1, outcome }))
const five = (what: string, body?: Call["body"]) => Array.from({ length: 5 }, () => call("x", what, 200, {}, { body }))

export function full(): Evidence {
  const evidence = sound()
  const race = { doctorId: "d", scheduledAt: "then" }
  evidence.calls = [
    ...five("POST /appointments", race),
    call("y", "POST /appointments", 409, {}, { body: race }),
    ...five("PUT /appointments/a", { status: "CONFIRMED" }),
    ...five("PUT /appointments/a", { scheduledAt: "then" }),
    ...five("POST /receptionists/queue/next"),
    ...five("PUT /receptionists/queue/a"),
    ...five("POST /payments"),
    call("x", "POST /payments", 201, {}, { key: "pay-1", attempts: tries("TimeoutError", 201) }),
    ...five("PUT /payments/m/status"),
    ...five("GET /notifications"),
    ...five("PATCH /doctors/me"),
  ]
  const fault = (what: string, cut?: number) => ({ at: 0, endedAt: 1, what, cut })
  const others = FAULT_KINDS.filter((kind) => kind !== "kill" && kind !== "freeze")
  evidence.faults = [...KILLED.map((of) => fault(`kill ${of}-0`)), fault("freeze api-0"), ...others.map((kind) => fault(kind, 3))]
  evidence.dismissed = ["x"]
  evidence.log.push(row(14, "appointment:reminder", "appointment:a", { appointmentId: "a" }), row(15, "analytics:update", "doctor:d", {}))
  evidence.diaries = (["websocket", "polling"] as const).map((transport) => ({
    ...diary(desk, evidence.log, [1, 10, 14, 15]),
    transport,
    connections: [
      { at: 0, lastOffset: 0 },
      { at: 5, lastOffset: 1 },
    ],
  }))
  return evidence
}
