import { expect, test } from "bun:test"
import { chanceOf } from "./chance.ts"
import type { Call, Evidence } from "./evidence.ts"
import { drawn, FAULT_KINDS } from "./faults.ts"
import { call, desk, diary, row, sound } from "./sound.ts"
import { untried } from "./untried.ts"

test("a run without faults, with few calls and nobody who came back, has not tried what it does not show", () => {
  const evidence = { ...sound(), faults: [], calls: [], searches: [] }
  expect(untried(evidence)).toEqual([
    ...["book", "move", "reschedule", "call in", "reorder", "pay", "settle", "read", "change a doctor"].map(
      (what) => `to ${what}: 0 times`,
    ),
    "a race for one time that somebody lost",
    "to come back by websocket from where one was",
    "to come back by polling from where one was",
    "to turn somebody away who has heard something",
    ...FAULT_KINDS.map((kind) => `the fault "${kind}"`),
    "to remind somebody",
    "to search",
  ])
})

const five = (what: string, body?: Call["body"]) => Array.from({ length: 5 }, () => call("x", what, 200, {}, { body }))

/** All of it, as little as is enough. */
function full(): Evidence {
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
    ...five("PUT /payments/m/status"),
    ...five("GET /notifications"),
    ...five("PATCH /doctors/me"),
  ]
  evidence.faults = FAULT_KINDS.map((kind) => ({ at: 0, endedAt: 1, what: kind === "kill" || kind === "freeze" ? `${kind} api-0` : kind }))
  evidence.dismissed = ["x"]
  evidence.log.push(row(14, "appointment:reminder", "appointment:a", { appointmentId: "a" }))
  evidence.diaries = (["websocket", "polling"] as const).map((transport) => ({
    ...diary(desk, evidence.log, [1]),
    transport,
    connections: [
      { at: 0, lastOffset: 0 },
      { at: 5, lastOffset: 1 },
    ],
  }))
  return evidence
}

test("a run that has done each thing five times, lost a race, come back and met every fault has tried all", () => {
  expect(untried(full())).toEqual([])
})

test("who came back from nowhere, or was the only one who asked, has not tried it", () => {
  const evidence = full()
  for (const { connections } of evidence.diaries) Object.assign(connections[1] ?? {}, { lastOffset: 0 })
  evidence.calls.splice(5, 1)
  expect(untried(evidence)).toEqual([
    "a race for one time that somebody lost",
    "to come back by websocket from where one was",
    "to come back by polling from where one was",
  ])
})

test("every kind of fault is drawn once before any comes again, in an order that the seed decides", () => {
  const orders = new Set<string>()
  for (let seed = 0; seed < 20; seed++) {
    const story = drawn(chanceOf(seed, "faults"))
    const first = FAULT_KINDS.map(() => story.next().value.kind)
    expect(first.toSorted()).toEqual(FAULT_KINDS.toSorted())
    orders.add(first.join())
  }
  expect(orders.size).toBe(20)
})
