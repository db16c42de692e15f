import { describe, expect, test } from "bun:test"
import type { Aging } from "./live-aging.ts"
import { staleness, wear } from "./live-bounds.ts"
import type { Freshness } from "./live-freshness.ts"

const delays = (upkeepMs: number) => ({
  longest: { ms: 40, waitedMs: 38 },
  longestRunMs: 2,
  over: 0,
  ticks: 1_000,
  upkeep: { longestRunMs: upkeepMs, pieces: 10 },
})
const many = (ms: number, times: number) => new Array<number>(times).fill(ms)
const byKind = { name: [10, 999, 11], move: [], leave: [], return: [] }
const FRESH: Freshness = { visibleMs: [[10, 999], [11]], byKind, changesPerSecond: 500, delays: [delays(1), delays(2)] }
const AGED: Aging = {
  searchRatios: { atOnce: [1.1, 1.99, 3], tidied: [0.9, 1.1, 1.6] },
  memoryRatio: 1.19,
  // One in two thousand is no defect yet.
  holdMs: { changes: [...many(4.9, 1_999), 90], upkeep: [0.1, 4.9], searches: [...many(1, 1_999), 90] },
  updatesPerSecond: 20_000,
  sameChecksum: true,
}

describe("the bounds of an index that changes", () => {
  test("are kept by what lies within all of them", () => {
    expect(staleness(FRESH, 500)).toEqual([])
    expect(wear(AGED)).toEqual([])
  })

  test.each<[string, string[]]>([
    ["process 2 shows a change after 1001 ms", staleness({ ...FRESH, visibleMs: [[10], [11, 1_001]] }, 500)],
    ["400 changes a second were made, not 500", staleness({ ...FRESH, changesPerSecond: 400 }, 500)],
    ["upkeep in process 2 ran for 5.1 ms", staleness({ ...FRESH, delays: [delays(1), delays(5.1)] }, 500)],
    ["a search right after the last change takes 2.01 times", wear({ ...AGED, searchRatios: { atOnce: [1, 2.01, 3], tidied: [1] } })],
    ["a search after upkeep takes 1.21 times", wear({ ...AGED, searchRatios: { atOnce: [1], tidied: [1, 1.21, 1.3] } })],
    ["memory is 1.25 times", wear({ ...AGED, memoryRatio: 1.25 })],
    ["upkeep ran for 7.0 ms", wear({ ...AGED, holdMs: { ...AGED.holdMs, upkeep: [1, 7] } })],
    [
      "changes ran for 5.1 ms without a break at p99.9",
      wear({ ...AGED, holdMs: { ...AGED.holdMs, changes: [...many(1, 1_996), ...many(5.1, 4)] } }),
    ],
    [
      "searches ran for 6.0 ms without a break at p99.9",
      wear({ ...AGED, holdMs: { ...AGED.holdMs, searches: [...many(1, 998), ...many(6, 2)] } }),
    ],
    ["it holds other doctors", wear({ ...AGED, sameChecksum: false })],
  ])("are missed with a line: %s", (line, misses) => {
    expect(misses).toHaveLength(1)
    expect(misses[0]).toStartWith(line)
  })
})
