/** What is promised of an index that changes; the benchmark fails where it is not kept. */
import { median, percentile } from "../environment.ts"
import { type Aging, HOLD_MS, TIMES_FRESH } from "./live-aging.ts"
import type { Freshness } from "./live-freshness.ts"

const VISIBLE_P99_MS = 1_000
/** Of the rate that was asked for: with fewer changes than that, it would be another measurement. */
const RATE_SHARE = 0.95
/** Of a hundred, the share of changes and searches that has to keep the bound. */
const MOSTLY = 99.9

/** A line for each bound of freshness that is missed. */
export function staleness({ visibleMs, changesPerSecond, delays }: Freshness, perSecond: number): string[] {
  const slow = visibleMs.map((times, n) => ({ process: n + 1, p99: percentile(times, 99) })).filter(({ p99 }) => p99 > VISIBLE_P99_MS)
  return [
    ...slow.map(({ process, p99 }) => `process ${process} shows a change after ${p99.toFixed(0)} ms at p99, more than ${VISIBLE_P99_MS}`),
    ...(changesPerSecond >= RATE_SHARE * perSecond ? [] : [`${changesPerSecond.toFixed(0)} changes a second were made, not ${perSecond}`]),
    ...delays.flatMap(({ upkeep }, n) => held(`upkeep in process ${n + 1}`, upkeep.longestRunMs)),
  ]
}

/** A line for each bound that the changed index misses. */
export function wear({ searchRatios, memoryRatio, holdMs, sameChecksum }: Aging): string[] {
  return [
    ...worn("a search right after the last change takes", median(searchRatios.atOnce), TIMES_FRESH.atOnce),
    ...worn("a search after upkeep takes", median(searchRatios.tidied), TIMES_FRESH.tidied),
    ...worn("memory is", memoryRatio, TIMES_FRESH.memory),
    ...held("upkeep", percentile(holdMs.upkeep, 100)),
    ...mostlyHeld("changes", holdMs.changes),
    ...mostlyHeld("searches", holdMs.searches),
    ...(sameChecksum ? [] : ["it holds other doctors than the fresh build"]),
  ]
}

const worn = (what: string, ratio: number, most: number) =>
  ratio <= most ? [] : [`${what} ${ratio.toFixed(2)} times that of a fresh build, more than ${most}`]

const held = (what: string, ms: number) =>
  ms <= HOLD_MS ? [] : [`${what} ran for ${ms.toFixed(1)} ms without a break, more than ${HOLD_MS}`]

/**
 * Upkeep looks at the clock between its steps, so that its longest piece is its own doing. Changes and searches are short, and by the ten
 * thousand: the longest of them is a collection of garbage, or what the machine's owner did to the processor, which is bounded by nothing
 * here. It is printed; a defect that lengthens them shows in one of a thousand.
 */
function mostlyHeld(what: string, holds: number[]): string[] {
  const ms = percentile(holds, MOSTLY)
  return ms <= HOLD_MS ? [] : [`${what} ran for ${ms.toFixed(1)} ms without a break at p${MOSTLY}, more than ${HOLD_MS}`]
}
