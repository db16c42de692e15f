import { expect, test } from "bun:test"
import { BREACHES } from "./breaches.ts"
import { check } from "./check.ts"
import { after, answer, call, desk, diary, entry, scheduled, search, sound } from "./sound.ts"

test("the checker finds nothing wrong with a run in which nothing is", () => {
  expect(check(sound())).toEqual([])
})

for (const [what, { breaks, promise }] of Object.entries(BREACHES))
  test(`the checker sees ${what}`, () => {
    const evidence = sound()
    breaks(evidence)
    expect(
      check(evidence)
        .map((v) => v.promise)
        .join("\n"),
    ).toMatch(promise)
  })

test("a receptionist who was turned away may hear what came before, and nothing after", () => {
  const evidence = { ...sound(), dismissed: ["x"] }
  evidence.calls.push(call("doctor", "PUT /receptionists/rx", 200, { id: "rx", status: "REVOKED" }, { body: { status: "REVOKED" } }))
  evidence.diaries = [diary(desk, evidence.log, [1, 2, 3, 4])]
  expect(check(evidence)).toEqual([])
  evidence.diaries = [diary(desk, evidence.log, [1, 2, 3, 4, 6])]
  expect(check(evidence).map((v) => v.promise)).toEqual(["nobody hears what is not theirs"])
})

test("a receptionist who was turned away must have heard all up to what they heard last, or were told in time that they have", () => {
  const evidence = { ...sound(), dismissed: ["x"] }
  evidence.calls.push(call("doctor", "PUT /receptionists/rx", 200, { id: "rx", status: "REVOKED" }, { body: { status: "REVOKED" } }))
  const heard = diary(desk, evidence.log, [1])
  evidence.diaries = [heard]
  expect(check(evidence)).toEqual([])
  heard.ready = [{ at: 6, offset: 4 }]
  expect(check(evidence)).toEqual([])
  heard.ready = [{ at: 3, offset: 3 }]
  expect(check(evidence).map((v) => v.what)).toEqual([
    "x never heard appointment:update at 2 of appointment:a",
    "x never heard payment:update at 3 of payment:m",
  ])
  evidence.diaries = [diary(desk, evidence.log, [1, 3, 4])]
  expect(check(evidence).map((v) => v.what)).toEqual(["x never heard appointment:update at 2 of appointment:a"])
})

test("who is frozen, ended or has not loaded yet need not answer, and what a crash of Postgres may take from the audit may be missing", () => {
  const evidence = sound()
  evidence.faults = [
    { at: 7_000, endedAt: 12_000, what: "freeze api-0" },
    { at: 13_000, endedAt: 13_100, what: "restart Postgres" },
  ]
  evidence.calm = []
  evidence.lives = [
    { process: "api-0", from: 0, to: 14_000 },
    { process: "api-0", from: 15_000, to: Number.POSITIVE_INFINITY },
  ]
  evidence.searches.push(
    { ...search("api-0", 7_500, undefined), to: 11_500 },
    search("api-0", 13_995, undefined),
    search("api-0", 15_100, answer([], "nobody", 503)),
    search("api-0", 15_200, after()),
  )
  const attempts = [{ at: 12_500, ms: 10, outcome: 404 }]
  evidence.calls.push({ who: "patient", method: "PUT", path: "/appointments/00000000-0000-7000-8000-000000000000", attempts })
  expect(check(evidence)).toEqual([])
  evidence.searches.push(search("api-0", 15_300, answer([], "nobody", 503)))
  expect(check(evidence).map((v) => v.promise)).toHaveLength(1)
})

test("a call that was cut off may have called in one patient of its doctor, and a change that was cut off the one it names", () => {
  const cut = {
    attempts: [
      { at: 1, ms: 4, outcome: "TimeoutError" as const },
      { at: 6, ms: 1, outcome: 409 },
    ],
  }
  const nobody = { status: 409, body: { detail: "Nobody is waiting for this doctor." } }
  for (const doubtful of [
    { ...call("desk", "POST /receptionists/queue/next", 409, {}, { key: "next-1", body: { doctorId: "d" } }), ...cut, answer: nobody },
    { ...call("doctor", "PUT /appointments/q", 409, {}, { body: { status: "IN_PROGRESS" } }), ...cut, answer: nobody },
  ]) {
    const evidence = sound()
    evidence.calls = evidence.calls.filter((c) => c.key !== "next-1").concat(doubtful)
    evidence.audit.entries.push({ ...entry("desk", "CHANGE", "queue", "", "CONFLICT"), at: new Date(6).toISOString() })
    expect(check(evidence)).toEqual([])
    // Answered each time, it accounts for nobody.
    doubtful.attempts = doubtful.attempts.map((attempt) => ({ ...attempt, at: attempt.at + 100, outcome: 409 }))
    Object.assign(evidence, { audit: sound().audit })
    expect(check(evidence).map((v) => v.promise)).toContain("nobody goes in uncalled, and a key calls in one")
  }
})

test("a call that was cut off half a minute before somebody went in has not called them", () => {
  const evidence = sound()
  const cut = { at: -30_000, ms: 4_000, outcome: "TimeoutError" }
  const next = evidence.calls.find((c) => c.key === "next-1")
  Object.assign(next ?? {}, { attempts: [cut, { at: -26_000, ms: 1, outcome: 409 }], answer: { status: 409, body: { detail: "Nobody." } } })
  expect(check(evidence).map((v) => v.promise)).toContain("nobody goes in uncalled, and a key calls in one")
  Object.assign(cut, { at: -20_000 })
  expect(check(evidence).map((v) => v.promise)).not.toContain("nobody goes in uncalled, and a key calls in one")
  // Refused later than that: whoever was called in under the key would have been its answer.
  Object.assign(next ?? {}, { attempts: [cut, { at: 20, ms: 1, outcome: 409 }] })
  expect(check(evidence).map((v) => v.promise)).toContain("nobody goes in uncalled, and a key calls in one")
})

test("a schedule may be gone for a minute and a half after Redis was wiped, and for another minute if it was wiped again", () => {
  const evidence = sound()
  evidence.schedules.seen.push({ at: 270_000, next: {} }, scheduled(271_000))
  const wiped = (at: number) => evidence.faults.push({ at, endedAt: at, what: "flush Redis" })
  wiped(151_000)
  expect(check(evidence).map((v) => v.what)).toEqual(["remind was gone for 121 s"])
  wiped(210_000)
  expect(check(evidence)).toEqual([])
  evidence.schedules.seen.splice(-1, 1, { at: 310_000, next: {} })
  expect(check(evidence).map((v) => v.what)).toEqual(["remind was gone for 160 s"])
})
