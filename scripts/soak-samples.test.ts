import { expect, test } from "bun:test"
import { growths, type Sample, table } from "./soak-samples.ts"

const sample = (minute: number, memoryMb: number, files = 50): Sample => {
  const use = { memoryMb: 100, files: 50 }
  const uses = { api: { memoryMb, files }, worker: use, realtime: use }
  return { minute, uses, calls: 1, p50: 1, p99: 2, lagEvents: 0, behindEvents: 0, realtimeBehindEvents: 0 }
}
const run = (memory: (minute: number) => number, files?: (minute: number) => number) =>
  Array.from({ length: 20 }, (_, n) => sample(n, memory(n), files?.(n)))

test("a soak calls growing what is a third more at its end than when it had warmed up, and nothing else", () => {
  expect(growths(run((minute) => Math.min(300, 100 + 60 * minute)))).toEqual([])
  expect(growths(run((minute) => 200 + (minute % 2) * 50))).toEqual([])
  expect(growths(run((minute) => 100 + 20 * minute))).toEqual(["GROWING: api, memory in MB: 240 → 440"])
  expect(
    growths(
      run(
        () => 100,
        (minute) => 50 + 10 * minute,
      ),
    ),
  ).toEqual(["GROWING: api, open files: 120 → 220"])
})

test.each([
  ["p99", 20, "p99 of a call in ms: 140 → 340"],
  ["lagEvents", 40, "unpublished events: 280 → 680"],
  ["behindEvents", 40, "events that the worker is behind: 280 → 680"],
  ["realtimeBehindEvents", 40, "events that realtime is behind: 280 → 680"],
] as const)("a %s that keeps growing is named, and one that jumps about is not", (name, aMinute, said) => {
  const of = (read: (minute: number) => number) => run(() => 100).map((s, n) => ({ ...s, [name]: read(n) }))
  expect(growths(of((minute) => minute * aMinute))).toEqual([`GROWING: ${said}`])
  expect(growths(of((minute) => (minute % 2) * 90))).toEqual([])
})

test("a lag that could not be read is named", () => {
  expect(growths(run(() => 100).map((s) => ({ ...s, realtimeBehindEvents: Number.NaN })))).toEqual([
    "GROWING: events that realtime is behind: NaN → NaN",
  ])
})

test("a soak's table has a row for each look", () => {
  expect(table(run(() => 100))).toHaveLength(22)
})
