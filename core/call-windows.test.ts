import { expect, test } from "bun:test"
import fc from "fast-check"
import { CallWindows } from "./call-windows.ts"

test("a window begins with a caller's first call, ends a minute later to the millisecond, and is the caller's own", () => {
  const windows = new CallWindows(3, 60)
  const first = windows.of("a", 1_000)
  first.calls = 3
  expect(windows.of("a", 60_999)).toBe(first)
  expect(windows.of("b", 60_999)).toEqual({ calls: 0, endsAtMs: 120_999 })
  expect(windows.of("a", 61_000)).toEqual({ calls: 0, endsAtMs: 121_000 })
})

test("over any calls of any callers, each counts as if it were alone", () => {
  const call = fc.record({ caller: fc.constantFrom("a", "b", "c"), waitMs: fc.constantFrom(0, 1, 999, 1_000, 1_001, 5_000) })
  fc.assert(
    fc.property(fc.array(call, { maxLength: 200 }), (calls) => {
      const windows = new CallWindows(1, 1)
      const alone = new Map<string, { calls: number; sinceMs: number }>()
      let now = 0
      for (const { caller, waitMs } of calls) {
        now += waitMs
        let own = alone.get(caller)
        if (!own || now - own.sinceMs >= 1_000) own = { calls: 0, sinceMs: now }
        alone.set(caller, own)
        own.calls++
        expect(++windows.of(caller, now).calls).toBe(own.calls)
      }
    }),
  )
})

test("windows that have ended are forgotten, and never are more callers remembered than the bound says", () => {
  const windows = new CallWindows(1, 1, 100)
  for (let i = 0; i < 1_000; i++) {
    windows.of(`early-${i}`, 0)
    expect(windows.size).toBeLessThanOrEqual(100)
  }
  windows.of("late", 1_000)
  expect(windows.size).toBe(1)
})
