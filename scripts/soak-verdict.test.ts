import { describe, expect, test } from "bun:test"
import type { Sample } from "./soak-samples.ts"
import { verdictOf } from "./soak-verdict.ts"

function sample(minute: number, memoryMb: number, files = 50): Sample {
  const use = { memoryMb: 100, files: 50 }
  const uses = { api: { memoryMb, files }, worker: use, realtime: use }
  const lags = { lagEvents: 0, behindEvents: 0, realtimeBehindEvents: 0 }
  return { minute, uses, calls: 100, successes: 90, wrong: [], heard: { doctor: 5, desk: 1 }, p50: 1, p99: 2, ...lags }
}
const run = (memory: (minute: number) => number, files?: (minute: number) => number) =>
  Array.from({ length: 20 }, (_, n) => sample(n, memory(n), files?.(n)))
const failures = (samples: Sample[]) => verdictOf(samples).failures
/** A run in which all is well but for this. */
const but = (change: (s: Sample) => Partial<Sample>) => failures(run(() => 100).map((s) => ({ ...s, ...change(s) })))

describe("a soak calls growing what is more at its end than when it had warmed up, and nothing else:", () => {
  test("memory", () => {
    expect(failures(run((minute) => Math.min(300, 100 + 60 * minute)))).toEqual([])
    expect(failures(run((minute) => 200 + (minute % 2) * 50))).toEqual([])
    expect(failures(run((minute) => 100 + 20 * minute))).toEqual(["GROWING: api, memory in MB: 240 → 440 (at most 276)"])
    expect(failures(run((minute) => 100 + 2.5 * minute))).toEqual(["GROWING: api, memory in MB: 118 → 143 (at most 138)"])
  })

  test("open files", () => {
    const leaking = run(
      () => 100,
      (minute) => 50 + 10 * minute,
    )
    expect(failures(leaking)).toEqual(["GROWING: api, open files: 120 → 220 (at most 156)"])
  })

  test.each([
    ["p99", 20, "p99 of a call in ms: 140 → 340 (at most 240)"],
    ["lagEvents", 40, "unpublished events: 280 → 680 (at most 380)"],
    ["behindEvents", 40, "events that the worker is behind: 280 → 680 (at most 380)"],
    ["realtimeBehindEvents", 40, "events that realtime is behind: 280 → 680 (at most 380)"],
  ] as const)("%s that keeps growing is named, and one that jumps about is not", (name, aMinute, said) => {
    expect(but(({ minute }) => ({ [name]: minute * aMinute }))).toEqual([`GROWING: ${said}`])
    expect(but(({ minute }) => ({ [name]: (minute % 2) * 90 }))).toEqual([])
  })

  test("a lag that could not be read", () => {
    expect(but(() => ({ realtimeBehindEvents: Number.NaN }))).toEqual(["GROWING: events that realtime is behind: NaN → NaN (at most NaN)"])
  })
})

describe("a soak in which not all works fails:", () => {
  test("a single try without an answer, or with any 5xx", () => {
    const said = "FAILING: tries that were answered with 5xx or not at all:"
    expect(but(({ minute }) => (minute === 0 ? { wrong: ["TimeoutError"] } : {}))).toEqual([`${said} 1 × TimeoutError`])
    expect(but(({ minute }) => (minute > 17 ? { wrong: [503, 500] } : {}))).toEqual([`${said} 2 × 503, 2 × 500`])
  })

  test("three tenths fewer calls at the end, or fewer that succeed", () => {
    expect(but(({ minute }) => ({ calls: minute > 14 ? 70 : 100 }))).toEqual([])
    expect(but(({ minute }) => ({ calls: minute > 14 ? 69 : 100 }))).toEqual(["FAILING: calls: 500 → 345 (at least 350)"])
    expect(but(({ minute }) => ({ successes: minute > 14 ? 60 : 90 }))).toEqual(["FAILING: calls answered 2xx: 450 → 300 (at least 315)"])
  })

  test("no calls at all", () => {
    expect(but(() => ({ calls: 0, successes: 0, p50: Number.NaN, p99: Number.NaN }))).toEqual([
      "FAILING: calls: 0 → 0 (at least 0)",
      "FAILING: calls answered 2xx: 0 → 0 (at least 0)",
      "GROWING: p99 of a call in ms: NaN → NaN (at most NaN)",
    ])
  })

  test.each([1, 2, 3, 4])("a client that hears nothing in quarter %d", (quarter) => {
    const isSilent = ({ minute }: Sample) => Math.floor(minute / 5) + 1 === quarter
    expect(but((s) => ({ heard: { doctor: 5, desk: isSilent(s) ? 0 : 1 } }))).toEqual([`FAILING: desk heard nothing in quarter ${quarter}`])
  })

  test("nobody who listens", () => {
    expect(but(() => ({ heard: {} }))).toEqual(["FAILING: nobody listened"])
  })
})

test("a soak that passes says of everything how much more it may have been", () => {
  expect(verdictOf(run(() => 100))).toEqual({
    failures: [],
    kept: [
      "every try was answered, none with 5xx",
      "calls: 500 → 500 (at least 350)",
      "calls answered 2xx: 450 → 450 (at least 315)",
      "each of 2 clients heard something in each quarter",
      ...["api", "worker", "realtime"].flatMap((kind) => [
        `${kind}, memory in MB: 100 → 100 (at most 120)`,
        `${kind}, open files: 50 → 50 (at most 65)`,
      ]),
      "p99 of a call in ms: 2 → 2 (at most 102)",
      "unpublished events: 0 → 0 (at most 100)",
      "events that the worker is behind: 0 → 0 (at most 100)",
      "events that realtime is behind: 0 → 0 (at most 100)",
    ],
  })
})
