import { expect, test } from "bun:test"
import { chanceOf } from "./chance.ts"
import { CERTAIN_FAULTS, drawn, FAULT_KINDS, KILLED } from "./faults.ts"
import { sound } from "./sound.ts"
import { full, tries } from "./sound-full.ts"
import { untried } from "./untried.ts"

test("a run without faults, with few calls and nobody who came back, has not tried what it does not show", () => {
  const evidence = { ...sound(), faults: [], calls: [], searches: [], readings: [] }
  expect(untried(evidence)).toEqual([
    ...["book", "move", "reschedule", "call in", "reorder", "pay", "settle", "read", "change a doctor"].map(
      (what) => `to ${what}: 0 times`,
    ),
    "a POST with a key that was cut off, and answered 2xx when it was sent again",
    "a race for one time that somebody lost",
    "to come back by websocket from where one was",
    "to come back by polling from where one was",
    "to turn somebody away who has heard something",
    ...FAULT_KINDS.map((kind) => `the fault "${kind}"`),
    ...KILLED.map((of) => `to kill a process of ${of}`),
    "to cut a connection that was open",
    "to hear analytics:update",
    "to hear appointment:reminder",
    "to search",
    ...["appointments", "payments", "figures", "free times"].map((what) => `to read ${what} at the end`),
  ])
})

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

test.each(KILLED)("a run in which no process of %s was killed has not tried it", (of) => {
  const evidence = full()
  evidence.faults = evidence.faults.map((f) => (f.what === `kill ${of}-0` ? { ...f, what: `freeze ${of}-0` } : f))
  // One of another kind, however often, is none of this.
  evidence.faults.push({ at: 0, endedAt: 1, what: `kill ${of === "api" ? "worker" : "api"}-1` })
  expect(untried(evidence)).toEqual([`to kill a process of ${of}`])
})

test.each([
  ["was answered at once", { attempts: tries(201) }],
  ["was answered 503 first", { attempts: tries(503, 201) }],
  ["had no key", { key: undefined }],
  ["was a PUT", { method: "PUT" as const }],
  ["was refused", { answer: { status: 409, body: {} } }],
  ["was never answered", { answer: undefined }],
])("a POST with a key has been cut off and succeeded when sent again, unless it %s", (_, change) => {
  const evidence = full()
  evidence.calls = evidence.calls.map((c) => (c.key === "pay-1" ? { ...c, ...change } : c))
  expect(untried(evidence)).toEqual(["a POST with a key that was cut off, and answered 2xx when it was sent again"])
})

test("cuts that found no connection open have cut nothing", () => {
  const evidence = full()
  evidence.faults = evidence.faults.map((f) => (f.cut === undefined ? f : { ...f, cut: 0 }))
  expect(untried(evidence)).toEqual(["to cut a connection that was open"])
})

test.each([
  ["queue:position", 10],
  ["appointment:reminder", 14],
  ["analytics:update", 15],
])("%s that is in the log and came to nobody has not been heard", (name, offset) => {
  const evidence = full()
  for (const own of evidence.diaries) own.heard = own.heard.filter((h) => h.offset !== offset)
  expect(untried(evidence)).toEqual([`to hear ${name}`])
})

test("readings at the end that were refused, or showed nothing of the run, have not been tried", () => {
  const evidence = full()
  for (const reading of evidence.readings) {
    if (Array.isArray(reading.body.data)) reading.body = { data: [] }
    else if (reading.body.slots) reading.status = 503
    else Object.assign(reading.body.summary as object, { revenue: 0 })
  }
  const kinds = ["appointments", "payments", "figures", "free times"]
  expect(untried(evidence)).toEqual(kinds.map((what) => `to read ${what} at the end`))
})

test("every kind of fault, and a kill of each kind of process, is drawn once before any comes again, in an order that the seed decides", () => {
  const orders = new Set<string>()
  for (let seed = 0; seed < 20; seed++) {
    const story = drawn(chanceOf(seed, "faults"))
    const first = Array.from({ length: CERTAIN_FAULTS }, () => story.next().value)
    const kills = first.filter(({ kind }) => kind === "kill").map(({ process }) => process.split("-")[0])
    expect(kills.toSorted()).toEqual(KILLED.toSorted())
    expect([...first.map(({ kind }) => kind).filter((kind) => kind !== "kill"), "kill"].toSorted()).toEqual(FAULT_KINDS.toSorted())
    orders.add(first.map(({ kind, process }) => `${kind} ${process}`).join())
  }
  expect(orders.size).toBe(20)
})
