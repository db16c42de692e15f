/**
 * `bun run bench:search:live`: how soon searches of two API processes show a change while others are made, and what very many
 * changes do to an index. `--doctors`, `--changes` (a second), `--probes`, `--updates` make it smaller or larger. Exits with 1 where a bound
 * is missed.
 */
import { parseArgs } from "node:util"
import { percentile, say, startBench } from "../environment.ts"
import { age, describeAging } from "./live-aging.ts"
import { staleness, wear } from "./live-bounds.ts"
import { type Freshness, measureFreshness } from "./live-freshness.ts"
import type { ProbeKind } from "./live-probe.ts"

const { values } = parseArgs({
  options: {
    doctors: { type: "string", default: "100000" },
    changes: { type: "string", default: "500" },
    probes: { type: "string", default: "300" },
    updates: { type: "string", default: "1000000" },
  },
})
const [doctors, changes, probes, updates] = [values.doctors, values.changes, values.probes, values.updates].map(Number) as [
  number,
  number,
  number,
  number,
]

const KINDS: Record<ProbeKind, string> = { name: "a new name", move: "a move", leave: "a leave (`active: false`)", return: "a return" }

function describeFreshness({ visibleMs, byKind, changesPerSecond, delays }: Freshness): string[] {
  const ms = (times: number[], p: number) => percentile(times, p).toFixed(1)
  return [
    `| profile changes a second meanwhile | ${changesPerSecond.toFixed(0)} |`,
    ...visibleMs.map(
      (times, n) => `| a change is found by process ${n + 1}, ms after it is sent: p50 / p99 | ${ms(times, 50)} / ${ms(times, 99)} |`,
    ),
    ...Object.entries(byKind).map(
      ([kind, times]) =>
        `| … of these ${KINDS[kind as ProbeKind]}, by either process: p50 / longest | ${times.length > 0 ? `${ms(times, 50)} / ${ms(times, 100)}` : "–"} |`,
    ),
    `| longest delay of each event loop, ms; of it waiting for a processor | ${delays.map(({ longest }) => `${longest.ms.toFixed(1)}; ${longest.waitedMs.toFixed(1)}`).join(" / ")} |`,
    `| longest that it ran in a delay, ms; over 5 ms | ${delays.map((d) => `${d.longestRunMs.toFixed(1)}; ${d.over} of ${d.ticks}`).join(" / ")} |`,
    `| longest that a piece of the index's upkeep ran, ms; of so many | ${delays.map(({ upkeep }) => `${upkeep.longestRunMs.toFixed(1)}; ${upkeep.pieces}`).join(" / ")} |`,
  ]
}

async function fresh(): Promise<Freshness> {
  await using bench = await startBench()
  return await measureFreshness(bench, doctors, changes, probes)
}

say("freshness")
const freshness = probes > 0 ? await fresh() : undefined
say(`${updates} changes of one index`)
const aging = updates > 0 ? await age(doctors, updates) : undefined
console.log(`| ${doctors} doctors${updates > 0 ? `, ${updates} random changes of one index` : ""} | |`)
console.log("|---|---|")
for (const line of [...(freshness ? describeFreshness(freshness) : []), ...(aging ? describeAging(aging) : [])]) console.log(line)
const missed = [...(freshness ? staleness(freshness, changes) : []), ...(aging ? wear(aging) : [])]
for (const line of missed) say(`missed: ${line}`)
process.exit(missed.length === 0 ? 0 : 1)
